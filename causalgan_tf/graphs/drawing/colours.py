"""Colours of drawings, pictures and charts."""

INK, PAPER, MUTED, ACCENT = "#1d2433", "#ffffff", "#667085", "#2f6fed"
