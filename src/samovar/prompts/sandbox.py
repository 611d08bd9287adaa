"""The Jinja environment in which a model's chat template runs: what it can reach, and what that may cost.

Three fences: Jinja's immutable sandbox keeps it from Python's internals; of the methods of strings, lists and
mappings only those listed here exist; and all that makes or walks through values is charged to a `Budget`:
operators, filters, tests and calls where Jinja lets them be intercepted, the rest (`~`, literals, loops, output) by
rewriting the parsed template so that they go through filters of ours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import wraps
from types import GeneratorType
from typing import cast

from jinja2 import nodes, pass_context
from jinja2.exceptions import SecurityError
from jinja2.ext import Extension, LoopControlExtension
from jinja2.filters import FILTERS
from jinja2.parser import Parser
from jinja2.runtime import Context, LoopContext, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.tests import TESTS
from jinja2.utils import Cycler, Joiner, Namespace
from jinja2.visitor import NodeTransformer

from samovar.core.errors import InvalidInput
from samovar.prompts.bounded import BOUNDED_FILTERS, BOUNDED_METHODS, BOUNDED_OPERATORS, concat
from samovar.prompts.budget import Budget, OwnList

LONGEST_RANGE = 100_000

PLAIN_FILTERS = """
    abs attr capitalize count d default dictsort e escape first float groupby int items last length list lower map
    max min reject rejectattr reverse safe select selectattr sort title trim truncate unique upper wordcount
"""
"""Jinja's own filters whose result is no longer than what they are given, up to a small factor."""

STRING_METHODS = """
    capitalize casefold count endswith find format index isalnum isalpha isascii isdecimal isdigit islower isnumeric
    isspace istitle isupper join lower lstrip partition removeprefix removesuffix replace rfind rindex rpartition
    rsplit rstrip split splitlines startswith strip swapcase title upper
"""

METHODS: tuple[tuple[type | tuple[type, ...], frozenset[str]], ...] = (
    (str, frozenset(STRING_METHODS.split())),
    (dict, frozenset({"get", "items", "keys", "values"})),
    (OwnList, frozenset({"append", "count", "index", "pop"})),
    ((list, tuple), frozenset({"count", "index"})),
    ((int, float, bytes, range, GeneratorType), frozenset()),
)
"""The methods that exist, by the type of what they belong to; other types keep what Jinja's sandbox allows."""

JINJAS_OWN = ("_loop_vars", "_block_vars")
"""Arguments in which a compiled template hands its variables to Jinja: what is called does not get them."""


class Sandbox(ImmutableSandboxedEnvironment):
    """One rendering's environment: it is made anew for each, so that threads share nothing."""

    intercepted_binops = frozenset(BOUNDED_OPERATORS)

    def __init__(self, budget: Budget) -> None:
        super().__init__(
            trim_blocks=True,
            lstrip_blocks=True,
            optimized=False,  # what is folded while compiling is charged to nobody
            extensions=[LoopControlExtension, GenerationExtension],
        )
        self.budget = budget
        plain: Mapping[str, Callable[..., object]] = FILTERS
        self.filters = {
            **{name: self._charged(plain[name]) for name in PLAIN_FILTERS.split()},
            **{name: self._charged(_given(budget, function)) for name, function in BOUNDED_FILTERS.items()},
            **{f"_{rule.__name__}": rule for rule in (self.written, self.joined, self.made, self.each)},
        }
        tests = cast("Mapping[str, Callable[..., object]]", TESTS)
        self.tests = {name: self._charged(function) for name, function in tests.items()}
        self.globals = {
            "range": self._range,
            "dict": dict,
            "cycler": Cycler,
            "joiner": Joiner,
            "namespace": _Variables,
        }

    def is_safe_attribute(self, obj: object, attr: str, value: object) -> bool:
        for kind, names in METHODS:
            if isinstance(obj, kind):
                return attr in names
        return super().is_safe_attribute(obj, attr, value)

    def unsafe_undefined(self, obj: object, attribute: str) -> Undefined:
        """Jinja fails when what is unsafe is used; asking for `__class__` is enough: no honest template does."""
        if attribute.startswith("_"):
            raise SecurityError(f"{type(obj).__name__}.{attribute}")
        return super().unsafe_undefined(obj, attribute)

    def call_binop(self, _context: Context, operator: str, left: object, right: object) -> object:
        result = BOUNDED_OPERATORS[operator](self.budget, left, right)
        self.budget.made(result)
        return result

    def call(self, __context: Context, __obj: object, *args: object, **kwargs: object) -> object:
        args = tuple(map(self._settled, args))
        self._check_call(__obj, args, {name: kwargs[name] for name in kwargs if name not in JINJAS_OWN})
        self.budget.deeper()
        try:
            result: object = super().call(__context, __obj, *args, **kwargs)
        finally:
            self.budget.shallower()
        self.budget.made(result)
        return result

    def _check_call(self, called: object, args: tuple[object, ...], named: Mapping[str, object]) -> None:
        self.budget.allow(sum(map(self.budget.weight, (*args, *named.values()))))
        # `str.format` arrives wrapped, so that its fields go through this sandbox.
        method = getattr(called, "__wrapped__", called)
        owner, bounded = getattr(method, "__self__", None), BOUNDED_METHODS.get(getattr(method, "__name__", ""))
        if bounded and isinstance(owner, bounded[0]):
            bounded[1](self.budget, owner, *args, **named)

    def _generate(self, source: nodes.Template, *args: object, **kwargs: object) -> str:
        code: str = super()._generate(_Charges().visit(source), *args, **kwargs)  # type: ignore[arg-type]
        return code

    def _charged(self, function: Callable[..., object]) -> Callable[..., object]:
        """`function`, its result charged. Iterators are read out first: walks through them cannot be stopped."""

        @wraps(function)
        def run(*args: object, **kwargs: object) -> object:
            result = function(*map(self._settled, args), **kwargs)
            self.budget.made(result)
            return result

        return run

    def _settled(self, value: object) -> object:
        if not isinstance(value, Iterator) or isinstance(value, LoopContext):
            return value
        values, weight = [], 0
        for part in self.budget.each(value):
            values.append(part)
            weight += self.budget.weight(part)
            self.budget.allow(weight)
        return values

    @pass_context
    def written(self, _context: Context, value: object) -> str:
        """What every piece of output passes through."""
        return concat(self.budget, (value,))

    @pass_context
    def joined(self, _context: Context, parts: tuple[object, ...]) -> str:
        """What `~` does."""
        return concat(self.budget, parts)

    @pass_context
    def made(self, _context: Context, value: object) -> object:
        """What every list, tuple and mapping written in the template passes through."""
        value = OwnList(value) if isinstance(value, list) else value
        self.budget.made(value)
        return value

    @pass_context
    def each(self, _context: Context, values: Iterable[object]) -> Iterator[object]:
        """What every loop runs over."""
        return self.budget.each(values)

    def _range(self, *bounds: int) -> range:
        numbers = range(*bounds)
        if (numbers.stop - numbers.start) // numbers.step > LONGEST_RANGE:
            raise InvalidInput("prompts.template_range", limit=LONGEST_RANGE)
        return numbers


class GenerationExtension(Extension):
    """`{% generation %}…{% endgeneration %}` marks an assistant's words for training; here it is what it holds."""

    tags = {"generation"}  # noqa: RUF012 (so declared in Jinja)

    def parse(self, parser: Parser) -> list[nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


class _Variables(Namespace):
    """A namespace that says nothing of its content: one that holds itself, or another one twice and so on, would
    be without end."""

    def __repr__(self) -> str:
        return "<Namespace>"


class _Charges(NodeTransformer):
    """Puts filters of ours around what Jinja cannot intercept."""

    def visit_Output(self, node: nodes.Output) -> nodes.Node:
        self.generic_visit(node)
        node.nodes = [_through("_written", child) for child in node.nodes]
        return node

    def visit_For(self, node: nodes.For) -> nodes.Node:
        self.generic_visit(node)
        node.iter = _through("_each", node.iter)
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:
        self.generic_visit(node)
        return _through("_joined", nodes.Tuple(node.nodes, "load"))

    def visit_List(self, node: nodes.List) -> nodes.Node:
        return _through("_made", self.generic_visit(node))

    def visit_Dict(self, node: nodes.Dict) -> nodes.Node:
        return _through("_made", self.generic_visit(node))

    def visit_Tuple(self, node: nodes.Tuple) -> nodes.Node:
        self.generic_visit(node)
        return _through("_made", node) if node.ctx == "load" else node


def _through(name: str, node: nodes.Node) -> nodes.Filter:
    return nodes.Filter(node, name, [], [], None, None, lineno=node.lineno)


def _given(budget: Budget, function: Callable[..., object]) -> Callable[..., object]:
    """`function` with `budget` as its first argument. (Not `partial`: Jinja looks for marks on the function.)"""

    def run(*args: object, **kwargs: object) -> object:
        return function(budget, *args, **kwargs)

    return run
