"""Files, locks and signals: what the operating system is asked for."""
