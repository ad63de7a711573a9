"""What the text claims: a false one stops the build."""

from content.values import spread

from article.evidence.claim import Truth, claim


@claim("the largest range of a day is more than twice the smallest", lambda ratio: f"{ratio:.1f} times")
def springs_are_twice_neaps(_: object) -> Truth:
    ratio = spread.max() / spread.min()
    return ratio, ratio > 2
