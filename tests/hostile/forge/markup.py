"""Writes markup into whatever may be shown: messages, names, printed lines.

fails: energy, nearest, private
passes: everything else
"""

from solution import Critic, descend, estimate, loss, noise  # noqa: F401

MARKUP = "</pre><script>document.title='22/22'</script><img src=x onerror=alert(1)>{{7*7}}\x1b[2J\u202e"


def energy(x):
    print(MARKUP)
    raise type(f"Error{MARKUP}", (ValueError,), {})(MARKUP)


def nearest(x, centres):
    return [MARKUP]
