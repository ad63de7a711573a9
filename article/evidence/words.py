"""How numbers are written in prose and in tables."""


def number(n: float) -> str:
    """A small whole number in words, a larger one in figures."""
    words = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
    return words[int(n)] if n < len(words) else f"{n:,.0f}"


def count(n: float) -> str:
    return f"{n:,.0f}"


def at_step(step: int | None) -> str:
    """A step of the training, or that there is none."""
    return "never" if step is None else f"{step:,}"


def percent(part: float) -> str:
    """A share as a percentage: whole, but with a decimal where it is near 0 or 100."""
    text = f"{part:.0%}" if 0.01 <= abs(part) <= 0.99 or part in (0, 1) else f"{part:.1%}"
    return text.replace("-", "\N{MINUS SIGN}")


def points(part: float) -> str:
    """A difference of two probabilities in percentage points."""
    text = f"{100 * part:.0f}" if abs(part) >= 0.01 else f"{100 * part:.1f}"
    return text.replace("-", "\N{MINUS SIGN}") + (" point" if text == "1" else " points")


def decimals(value: float) -> str:
    """A number with two decimals and a true minus sign."""
    return f"{value:.2f}".replace("-", "\N{MINUS SIGN}")


def one_decimal(value: float) -> str:
    return f"{value:.1f}"


def times(value: float) -> str:
    return f"{value:.1f} times" if value < 10 else f"{value:,.0f} times"


def three(value: float) -> str:
    """A number with three decimals and a true minus sign; what rounds to zero has none."""
    return f"{round(value, 3) + 0.0:.3f}".replace("-", "\N{MINUS SIGN}")
