"""How a home and its runner fare: what is found, measured and judged, for every program."""
