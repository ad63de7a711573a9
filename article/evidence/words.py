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


def exact_percent(part: float) -> str:
    """A share as a percentage with two decimals."""
    return f"{part:.2%}"


def points(part: float) -> str:
    """A difference of two probabilities in percentage points."""
    text = f"{100 * part:.0f}" if abs(part) >= 0.01 else f"{100 * part:.1f}"
    return text.replace("-", "\N{MINUS SIGN}") + (" point" if text == "1" else " points")


def decimals(value: float, digits: int = 2) -> str:
    """A number with so many decimals and a true minus sign."""
    return f"{value:,.{digits}f}".replace("-", "\N{MINUS SIGN}")


def one_decimal(value: float) -> str:
    return f"{value:.1f}"


def times(value: float) -> str:
    return f"{value:.1f} times" if value < 10 else f"{value:,.0f} times"


def three(value: float) -> str:
    """A number with three decimals and a true minus sign; what rounds to zero has none."""
    return f"{round(value, 3) + 0.0:.3f}".replace("-", "\N{MINUS SIGN}")


def duration(seconds: float) -> str:
    """Seconds in words.

    >>> duration(9.04), duration(83), duration(7384)
    ('9.0 s', '1 min 23 s', '2 h 3 min')
    """
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def compared(one: float, other: float) -> str:
    """How a loss is next to another one, to three decimals: "0.120 below", "0.030 above", or "the same as"."""
    far = f"{abs(one - other):.3f}"
    return "the same as" if float(far) == 0 else f"{far} {'below' if one < other else 'above'}"
