"""Ten minutes of how the home fares: sampled, measured and plotted."""
