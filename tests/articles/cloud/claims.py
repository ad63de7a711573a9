"""What the text claims."""

from content.values import kinds, points

from article.evidence.claim import Truth, claim


@claim("the longest petal of setosa is shorter than the shortest of the others", "{:.1f} cm apart".format)
def one_is_apart(_: object) -> Truth:
    gap = points[kinds > 0, 1].min() - points[kinds == 0, 1].max()
    return float(gap), gap > 0
