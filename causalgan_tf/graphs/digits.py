"""Numbers as texts and as round numbers."""


def digits(number: float) -> str:
    """A number as short as it can be written without being another."""
    return f"{number:.15g}" if float(f"{number:.15g}") == number else repr(float(number))


def rounded(value: float, spread: float, least: int) -> float:
    """A number with `least` significant digits, or as many more as keep it within a hundredth of the spread.

    >>> rounded(33.25512, 10.0, 4), rounded(101321.63, 5.0, 4), rounded(2015.13, 0.2, 3)
    (33.26, 101321.6, 2015.13)
    """
    for count in range(least, 17):
        short = float(f"{value:.{count}g}")
        if abs(short - value) <= spread / 100.0:
            return short
    return float(value)
