"""What one can do with executions.

The dialogs are imported when they are opened: the first screen need not wait for them.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from textual import work

from stepflow_tui.core.errors import NoDatabase, StepflowError, StoreProblem
from stepflow_tui.store import queries
from stepflow_tui.tui.screens import questions
from stepflow_tui.tui.screens.main.asking import Asking
from stepflow_tui.tui.screens.questions import counted, named, verb

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from stepflow_tui.core.models import Execution
    from stepflow_tui.requests.draft import Draft
    from stepflow_tui.requests.request import Request, RunRequest
    from stepflow_tui.tui.screens.typed_ahead import KeyKeeper

_ACCEPTED_WITHIN_S, _ACCEPTED_POLL_S = 5.0, 0.05
_STOPPED_WITHIN_S = 60.0
_AT_ONCE = 1000
_SIZED = 50
"""Adding up the sizes of more than so many takes too long for a question."""

_TOLD = 3


class RunActions(Asking):
    """Looking closer, starting, stopping, running again, removing, labelling."""

    @work(group="details", exclusive=True)
    async def action_details(self) -> None:
        """Show all that is known of the execution."""
        from stepflow_tui.tui.screens.details import Details

        execution = self._live.selected
        if execution is None:
            return
        try:
            artifacts = await self._feed.all(queries.artifacts(execution.number))
        except StoreProblem as problem:
            self._say(str(problem), bad=True)
        else:
            await self._ask(Details(self._feed, execution, artifacts))

    # Stopping

    def action_cancel(self) -> None:
        """Stop what is chosen, if the user is sure."""
        self._stop(force=False)

    def action_force_cancel(self) -> None:
        """Kill what is chosen, if the user is sure."""
        self._stop(force=True)

    @work(group="dialog", exclusive=True)
    async def _stop(self, *, force: bool) -> None:
        chosen = await self._read_chosen()
        running = _unfinished(chosen)
        leaving = [execution for execution in chosen if questions.has_left_processes(execution)]
        if not running and leaving:
            if await self._ask(questions.ask_stop_leftovers(leaving, force=force)):
                self._stop_leftovers(leaving, force=force)
        elif not running:
            if chosen:
                self._say(f"{named(chosen)} {verb(chosen, 'has', 'have')} ended already")
        elif await self._ask(
            questions.ask_cancel(running, ended=len(chosen) - len(running), force=force)
        ):
            self._cancel(running, force=force)

    @work(group="orders")
    async def _cancel(self, executions: Sequence[Execution], *, force: bool) -> None:
        running = _unfinished(await self._read_again(executions))
        if not running:
            self._say(f"{named(executions)} {verb(executions, 'has', 'have')} ended meanwhile")
            return
        self._say(f"asked the runner to {'kill' if force else 'stop'} {named(running)}")
        if await self._done(
            lambda: self._orders.cancel(running, force=force), within_s=_STOPPED_WITHIN_S
        ):
            ended = [one for one in await self._read_again(running) if one.status.is_final]
            if ended:
                self._say(questions.tell_ended(ended))

    @work(group="orders")
    async def _stop_leftovers(self, executions: Sequence[Execution], *, force: bool) -> None:
        self._say(f"asked the runner to stop what {named(executions)} left in the background")
        if await self._done(
            lambda: self._orders.stop_leftovers(executions, force=force),
            within_s=_STOPPED_WITHIN_S,
        ):
            self._say(f"nothing of {named(executions)} is left in the background")

    # Starting

    def action_start(self) -> None:
        """Start a run that the user describes."""
        self._describe(self._keep_keys())

    @work(group="dialog", exclusive=True)
    async def _describe(self, keys: KeyKeeper) -> None:
        from stepflow_tui.requests.draft import Draft

        with keys:
            await self._start_from(Draft(cwd=_here()), "Start a run", keys)

    def action_edit_rerun(self) -> None:
        """Run the execution once more, as the user changes it."""
        self._edit_rerun(self._keep_keys())

    @work(group="dialog", exclusive=True)
    async def _edit_rerun(self, keys: KeyKeeper) -> None:
        from stepflow_tui.requests.draft import Draft

        with keys:
            chosen = await self._read_chosen()
            if len(chosen) > 1:
                self._say(f"one at a time can be changed, and {len(chosen)} are selected")
            elif chosen:
                title = f"Run {named(chosen)} again, with changes"
                await self._start_from(Draft.of(chosen[0]), title, keys)

    async def _start_from(self, draft: Draft, title: str, keys: KeyKeeper) -> None:
        from stepflow_tui.tui.screens.new_run import NewRun

        request = await keys.ask(NewRun(draft, self._feed, self._orders, title=title))
        if request is not None:
            self._start_prepared(request)

    @work(group="orders")
    async def _start_prepared(self, request: RunRequest) -> None:
        try:
            await asyncio.to_thread(self._orders.start, request)
            number = await self._number_of(request)
        except StepflowError as error:
            self._say(str(error), bad=True)
            return
        await self._tell_started(request, number, f"started as #{number} {request.name}")

    @work(group="rerun")
    async def action_rerun(self) -> None:
        """Run the same command once more, and turn to it."""
        chosen = await self._read_chosen()
        if len(chosen) == 1:
            await self._rerun(chosen[0])
        elif chosen:
            sure = await self._ask(questions.ask_rerun(chosen))
            if sure:
                self._rerun_all(chosen)

    async def _rerun(self, execution: Execution) -> None:
        try:
            request = await asyncio.to_thread(self._orders.rerun, execution)
            number = await self._number_of(request)
        except StepflowError as error:
            self._say(str(error), bad=True)
            return
        follow = self._live.number == execution.number
        said = f"#{execution.number} runs again as #{number}"
        await self._tell_started(request, number, said, follow=follow)

    @work(group="orders")
    async def _rerun_all(self, executions: Sequence[Execution]) -> None:
        """Run all of them that can be run, the oldest first; say what became of the others."""
        requests: list[RunRequest] = []
        problems: list[str] = []
        for execution in sorted(executions, key=lambda one: one.number):
            try:
                requests.append(await asyncio.to_thread(self._orders.rerun, execution))
            except StepflowError as error:
                problems.append(f"#{execution.number}: {error}")
        refused, late = await self._answers(requests)
        started = len(requests) - len(refused) - late
        if started:
            self._say(f"{counted(started)} {'runs' if started == 1 else 'run'} again")
        self._tell_problems([*problems, *refused], late=late)

    async def _tell_started(
        self, request: RunRequest, number: int | None, said: str, *, follow: bool = True
    ) -> None:
        if number is None:
            self._say(f"submitted as {request.id}; it starts as soon as a runner is up")
            return
        self._say(said)
        self._notifications.watchlist.watch(number)
        if follow:
            await self._pump.refreshed()
            self._executions.move_cursor(await self._place_of(number))

    async def _number_of(self, request: RunRequest) -> int | None:
        """The number that the runner gives to a request; None if it takes its time."""
        for _ in range(round(_ACCEPTED_WITHIN_S / _ACCEPTED_POLL_S)):
            number = await self._recorded(request)
            if number is not None:
                return number
            refusal = self._orders.refusal(request)
            if refusal is not None:
                raise StepflowError(refusal)
            await asyncio.sleep(_ACCEPTED_POLL_S)
        return None

    async def _recorded(self, request: RunRequest) -> int | None:
        try:
            found = await self._feed.first(queries.executions_with_prefix(request.id))
        except NoDatabase:
            return None  # this is the first run of all, and the runner is only starting
        return None if found is None else found.number

    # Removing

    @work(group="dialog", exclusive=True)
    async def action_remove(self) -> None:
        """Remove what is chosen from the history, but for what must stay, if the user is sure."""
        from stepflow_tui.store import removal

        chosen = await self._read_chosen()
        ids = [execution.id for execution in chosen]
        sized = len(ids) <= _SIZED
        try:
            entries = await self._feed.all(removal.entries(ids, sized=sized))
        except StoreProblem as problem:
            self._say(str(problem), bad=True)
            return
        going = {entry.id for entry in entries if entry.objection is None}
        staying = [entry for entry in entries if entry.objection is not None]
        if not going:
            if staying:
                self._say(f"nothing can be removed: {questions.why_staying(staying)}")
            return
        size = sum(entry.size for entry in entries if entry.id in going) if sized else None
        executions = [execution for execution in chosen if execution.id in going]
        if await self._ask(questions.ask_remove(executions, staying, size=size)):
            self._remove(executions)

    @work(group="orders")
    async def _remove(self, executions: Sequence[Execution]) -> None:
        if not await self._done(lambda: self._orders.remove(executions)):
            return
        left = {execution.id for execution in await self._read_again(executions)}
        gone = [execution for execution in executions if execution.id not in left]
        self._executions.forget(execution.number for execution in gone)
        if gone:
            self._say(f"removed {named(gone)}")
        if left:
            self._say(f"{counted(len(left))} stayed: marked meanwhile")

    # Labels

    @work(group="mark")
    async def action_mark(self) -> None:
        """Keep what is chosen for good; if all of it is kept already, let it go."""
        chosen = await self._read_chosen()
        if not chosen:
            return
        marked = not all(execution.marked for execution in chosen)
        state = "marked: never removed" if marked else "not marked any more"
        said = f"{named(chosen)} {verb(chosen, 'is', 'are')} {state}"
        self._label(lambda: self._orders.mark(chosen, marked=marked), said)

    def action_tag(self) -> None:
        """Change the tags of what is chosen."""
        self._edit_labels(self._change_tags)

    def action_note(self) -> None:
        """Write on what is chosen what should be known about it."""
        self._edit_labels(self._change_note)

    def _edit_labels(self, change: Callable[[list[Execution], KeyKeeper], Awaitable[None]]) -> None:
        self._edit_chosen(change, self._keep_keys())

    @work(group="dialog", exclusive=True)
    async def _edit_chosen(
        self, change: Callable[[list[Execution], KeyKeeper], Awaitable[None]], keys: KeyKeeper
    ) -> None:
        with keys:
            chosen = await self._read_chosen()
            if chosen:
                await change(chosen, keys)

    async def _change_tags(self, chosen: list[Execution], keys: KeyKeeper) -> None:
        from stepflow_tui.tui.screens.edit import EditTags

        common = [tag for tag in chosen[0].tags if all(tag in one.tags for one in chosen)]
        hint = "blanks between them; 'two words' in quotes; +new and -old change one"
        if len(chosen) > 1:
            hint = f"what all {len(chosen):,} have; others of theirs stay; +new and -old change one"
        change = await keys.ask(EditTags(f"Tags of {named(chosen)}", common, hint=hint))
        if change is not None:
            add, remove = change
            words = " ".join([*(f"+{tag}" for tag in add), *(f"-{tag}" for tag in remove)])
            said = f"{named(chosen)} {verb(chosen, 'is', 'are')} tagged {words}"
            self._label(lambda: self._orders.tag(chosen, add=add, remove=remove), said)

    async def _change_note(self, chosen: list[Execution], keys: KeyKeeper) -> None:
        from stepflow_tui.tui.screens.edit import EditNote

        notes = {execution.note or "" for execution in chosen}
        note = "" if len(notes) > 1 else notes.pop()
        hint = "takes the place of what they have" if notes else "an empty one is none"
        text = await keys.ask(EditNote(f"Note on {named(chosen)}", note, hint=hint))
        if text is not None:
            said = f"{named(chosen)} {verb(chosen, 'has', 'have')} {'a' if text else 'no'} note now"
            self._label(lambda: self._orders.note(chosen, text), said)

    @work(group="orders")
    async def _label(self, ask: Callable[[], Sequence[Request]], said: str) -> None:
        if await self._done(ask):
            self._say(said)

    # Asking and being answered

    def _keep_keys(self) -> KeyKeeper:
        """Keep from now on what is typed, for a dialog that is not there yet."""
        from stepflow_tui.tui.screens.typed_ahead import KeyKeeper

        keys = KeyKeeper()
        self.app.push_screen(keys)
        return keys

    async def _read_chosen(self) -> list[Execution]:
        """What is to be acted on, as it is now: all that is selected, else the current one."""
        current = self._live.number
        selected = sorted(self._executions.selected)
        return await self._read(selected or ([] if current is None else [current]))

    async def _read_again(self, executions: Sequence[Execution]) -> list[Execution]:
        return await self._read([execution.number for execution in executions])

    async def _read(self, numbers: Sequence[int]) -> list[Execution]:
        """Those of these that are there, the newest first."""
        found: list[Execution] = []
        try:
            for start in range(0, len(numbers), _AT_ONCE):
                some = queries.executions_by_number(numbers[start : start + _AT_ONCE])
                found += await self._feed.all(some)
        except StoreProblem as problem:
            self._say(str(problem), bad=True)
        return sorted(found, key=lambda execution: -execution.number)

    async def _done(
        self, ask: Callable[[], Sequence[Request]], *, within_s: float | None = None
    ) -> bool:
        """Have something done; else say why it was not."""
        try:
            requests = await asyncio.to_thread(ask)
        except StepflowError as error:
            self._say(str(error), bad=True)
            return False
        refused, late = await self._answers(requests, within_s=within_s)
        self._tell_problems(refused, late=late)
        return not refused and not late

    async def _answers(
        self, requests: Iterable[Request], *, within_s: float | None = None
    ) -> tuple[list[str], int]:
        """Why the runner refused some of these, and how many it has not answered in time."""
        refused: list[str] = []
        late = 0
        looks = round((within_s or _ACCEPTED_WITHIN_S) / _ACCEPTED_POLL_S)
        for request in requests:
            while self._orders.is_waiting(request) and looks:
                looks -= 1
                await asyncio.sleep(_ACCEPTED_POLL_S)
            late += self._orders.is_waiting(request)
            reason = self._orders.refusal(request)
            if reason is not None:
                refused.append(reason)
        return refused, late

    def _tell_problems(self, problems: Sequence[str], *, late: int) -> None:
        for problem in problems[:_TOLD]:
            self._say(f"refused: {problem}", bad=True)
        if len(problems) > _TOLD:
            self._say(f"refused: {len(problems) - _TOLD} more", bad=True)
        if late:
            self._say("the runner has not answered yet; it is done as soon as it does")


def _unfinished(executions: Iterable[Execution]) -> list[Execution]:
    return [execution for execution in executions if not execution.status.is_final]


def _here() -> str:
    from stepflow_tui.requests.directory import current_directory

    try:
        return str(current_directory())
    except StepflowError:
        return "/"  # our own directory is gone; that one is always there
