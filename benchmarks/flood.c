/* Prints numbered lines as fast as they are taken: flood LINES [WIDTH]. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUFFER 65536

int main(int count, char **words)
{
    long lines = count > 1 ? atol(words[1]) : 1000000;
    int width = count > 2 ? atoi(words[2]) : 65;
    static char buffer[BUFFER];
    size_t used = 0;
    if (width < 11 || width > 1000)
        return 2;
    for (long line = 0; line < lines; line++) {
        char *place = buffer + used;
        long rest = line;
        memset(place, 'x', width);
        for (int digit = 9; digit >= 0; digit--, rest /= 10)
            place[digit] = '0' + rest % 10;
        place[10] = ' ';
        place[width] = '\n';
        used += width + 1;
        if (used + width + 1 > BUFFER) {
            for (size_t sent = 0; sent < used;) {
                ssize_t more = write(1, buffer + sent, used - sent);
                if (more < 0)
                    return 1;
                sent += more;
            }
            used = 0;
        }
    }
    return write(1, buffer, used) == (ssize_t)used ? 0 : 1;
}
