from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from playbook_engine.model.errors import TemplateError
from playbook_engine.model.secret import Secret
from playbook_engine.model.source import SourcePos
from playbook_engine.templating.environment import Templar, Template

WHERE = SourcePos(file="free-disk.yml", line=12, column=9, text='  path: "{{ mont }}/data"')


@pytest.fixture(scope="module")
def templar() -> Templar:
    return Templar()


def render(templar: Templar, text: object, **variables: object) -> object:
    return templar.render(templar.compile_value(text, WHERE), variables)


class TestWhatIsATemplate:
    def test_only_text_with_markers_becomes_a_node(self, templar: Templar) -> None:
        value = {"a": "plain", "b": ["{{ x }}", 3], "c": {"d": "{# note #}"}}
        made = templar.compile_value(value, WHERE)
        assert made == {
            "a": "plain",
            "b": [Template(source="{{ x }}", where=WHERE), 3],
            "c": {"d": Template(source="{# note #}", where=WHERE)},
        }

    def test_host_text_is_never_a_template(self, templar: Templar) -> None:
        assert render(templar, "echo {{ facts.out }}", facts={"out": "{{ 7*7 }}"}) == "echo {{ 7*7 }}"
        assert render(templar, "{{ out }}", out="{{ 7*7 }}") == "{{ 7*7 }}"

    def test_a_rendered_result_is_not_rendered_again(self, templar: Templar) -> None:
        assert render(templar, "{{ '{{ x }}' }}", x=1) == "{{ x }}"
        assert render(templar, "{{ '{{' ~ ' x }}' }}", x=1) == "{{ x }}"

    def test_author_variables_refer_to_one_another(self, templar: Templar) -> None:
        variables = templar.compile_value({"home": "/srv/{{ app }}", "app": "shop", "logs": ["{{ home }}/log"]}, WHERE)
        assert isinstance(variables, dict)
        assert render(templar, "{{ logs }}", **variables) == ["/srv/shop/log"]
        assert render(templar, "{{ logs[0] }}", **variables) == "/srv/shop/log"

    def test_a_circle_is_named(self, templar: Templar) -> None:
        variables = templar.compile_value({"a": "{{ b }}", "b": "{{ a }}"}, WHERE)
        assert isinstance(variables, dict)
        with pytest.raises(TemplateError, match="a -> b -> a"):
            render(templar, "{{ a }}", **variables)


class TestTypes:
    @pytest.mark.parametrize("value", [5, 2.5, True, None, "text", [1, "1"], {"a": {"b": None}}, "", "[1, 2]", "007"])
    def test_a_single_expression_keeps_its_value(self, templar: Templar, value: object) -> None:
        assert render(templar, "{{ v }}", v=value) == value

    @pytest.mark.parametrize(
        ("source", "expected"),
        [
            ("{{ none }}{{ [1] }}", [1]), ("{{ 5 }}\n", 5), ("{{ 'a' }}\n\n", "a\n\n"), ("{{ none }}{{ none }}", None),
            ("{% if false %}x{% endif %}", None), ("{# note #}", None), ("{% if true %}x{% endif %}\n", "x\n"),
            ("x{% include 'nowhere.j2' ignore missing %}y", "xy"), ("{{ s.__class__ | default('d') }}", "d"),
        ],
    )  # fmt: skip
    def test_none_and_the_last_newline_are_not_put_out(self, templar: Templar, source: str, expected: object) -> None:
        """Recorded with ansible-core 2.19.14."""
        assert render(templar, source, s="x") == expected

    def test_anything_more_is_text(self, templar: Templar) -> None:
        assert render(templar, "{{ a }}{{ b }}", a=1, b=2) == "12"
        assert render(templar, " {{ a }}", a=1) == " 1"

    def test_iterators_and_tuples_become_lists(self, templar: Templar) -> None:
        assert render(templar, "{{ d.items() }}", d={"a": 1}) == [["a", 1]]
        assert render(templar, "{{ l | map('upper') }}", l=["a"]) == ["A"]

    def test_omit_drops_its_key(self, templar: Templar) -> None:
        assert render(templar, {"a": 1, "mode": "{{ mode | default(omit) }}"}) == {"a": 1}

    def test_text_made_of_a_secret_is_a_secret(self, templar: Templar) -> None:
        password = Secret("hunter2")
        made = render(templar, "postgres://app:{{ pw }}@db.test", pw=password)
        assert made == Secret("postgres://app:hunter2@db.test")
        assert render(templar, "{{ pw | b64encode }}", pw=password) == Secret("aHVudGVyMg==")
        with pytest.raises(TemplateError, match="no attribute 'reveal'"):
            render(templar, "{{ pw.reveal() }}", pw=password)


class TestUndefined:
    def test_the_error_says_what_where_and_what_else(self, templar: Templar) -> None:
        with pytest.raises(TemplateError) as caught:
            render(templar, "{{ mont }}/data", mount="/srv")
        assert str(caught.value) == "free-disk.yml:12:9: 'mont' is not defined"
        assert caught.value.advice == "did you mean 'mount'?"
        assert "^" in caught.value.render()

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("{{ a.b.c | default('x') }}", "x"),
            ("{{ known.b.c | default('x') }}", "x"),
            ("{{ a is defined }}", False),
            ("{{ a | default }}", ""),
        ],
    )
    def test_default_and_defined_may_look(self, templar: Templar, text: str, expected: object) -> None:
        assert render(templar, text, known={}) == expected

    @pytest.mark.parametrize(
        "text", ["{{ a }}", "x{{ a }}", "{{ [a] }}", "{{ {'k': a} }}", "{{ a or 1 }}", "{{ 1 if no }}"]
    )
    def test_everything_else_fails(self, templar: Templar, text: str) -> None:
        with pytest.raises(TemplateError):
            render(templar, text, no=False)

    def test_only_the_used_part_of_a_variable_has_to_be_defined(self, templar: Templar) -> None:
        variables = templar.compile_value({"conf": {"good": "{{ 1 }}", "bad": "{{ nope }}"}}, WHERE)
        assert isinstance(variables, dict)
        assert render(templar, "{{ conf.good }}", **variables) == 1
        assert render(templar, "{{ conf.bad | default('d') }}", **variables) == "d"
        with pytest.raises(TemplateError, match="nope"):
            render(templar, "{{ conf.bad }}", **variables)


class TestConditions:
    def test_true_and_false(self, templar: Templar) -> None:
        assert templar.evaluate("result.free_bytes > 1.2 * GiB", {"result": {"free_bytes": 2 * 1024**3}}) is True
        assert templar.evaluate(["x == 1", "y is defined"], {"x": 1}) is False
        assert templar.evaluate("{{ x == 1 }}", {"x": 1}) is True

    def test_the_rest_of_a_list_is_not_looked_at(self, templar: Templar) -> None:
        assert templar.evaluate(["r is defined", "r.rc == 0"], {}) is False

    @pytest.mark.parametrize(
        ("expr", "advice"),
        [("'false'", "| bool"), ("[1]", "length > 0"), ("1", "!= 0"), ("none", "is not none")],
    )
    def test_anything_else_is_refused_with_advice(self, templar: Templar, expr: str, advice: str) -> None:
        with pytest.raises(TemplateError, match="neither true nor false") as caught:
            templar.evaluate(expr, {}, WHERE)
        assert caught.value.advice is not None
        assert advice in caught.value.advice

    @pytest.mark.parametrize("expr", ["a = 1", "a; b", "", "a ==", "{{ a }} == 1", "a | nofilter", "a is notest"])
    def test_what_does_not_compile_is_a_template_error(self, templar: Templar, expr: str) -> None:
        with pytest.raises(TemplateError, match="does not compile"):
            templar.evaluate(expr, {"a": 1}, WHERE)


def test_undeclared_names_the_free_variables(templar: Templar) -> None:
    assert templar.undeclared("a > GiB and b is defined") == {"a", "b"}
    node = templar.compile_value({"x": "{{ a }}", "y": ["{% for i in l %}{{ i }}{% endfor %}"]}, WHERE)
    assert templar.undeclared(node) == {"a", "l"}


def test_an_unknown_filter_is_found_while_loading(templar: Templar) -> None:
    with pytest.raises(TemplateError, match="did you mean 'length'"):
        templar.compile_value("{{ x | lenght }}", WHERE)
    templar.compile_value("{{ x | lenght }}", WHERE, check=False)


def test_many_threads_share_one(templar: Templar) -> None:
    def work(number: int) -> bool:
        return all(render(templar, f"{{{{ n + {i} }}}}", n=number) == number + i for i in range(200))

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(8)))


class TestTextInConditions:
    """`that: "'{{ a }}' == 'x'"`, as ansible-core 2.19 still takes it."""

    @pytest.mark.parametrize(
        ("expr", "holds"),
        [
            ("'{{ a }}' == 'x'", True), ("a == '{{ b }}'", False), ("'{{ t }}'", True),
            ("'n{{ n + 1 }}' == 'n2'", True),
            ("'{{ a }}' in ['x', 'y']", True),
        ],
    )  # fmt: skip
    def test_is_a_template(self, templar: Templar, expr: str, holds: bool) -> None:
        assert templar.evaluate(expr, {"a": "x", "b": "y", "t": True, "n": 1}) is holds

    def test_only_what_the_author_wrote(self, templar: Templar) -> None:
        assert templar.evaluate("a == '{{ b }}'", {"a": "{{ 7 }}", "b": "{{ 7 }}"})
        assert not templar.evaluate("a == '{{ b }}'", {"a": "7", "b": "{{ 7 }}"})

    def test_its_names_are_known(self, templar: Templar) -> None:
        assert templar.undeclared("'{{ a }}' == b") == {"a", "b"}

    def test_statements_are_refused(self, templar: Templar) -> None:
        with pytest.raises(TemplateError, match="no statements"):
            templar.evaluate("'{% if a %}{{ a }}{% endif %}' == 'x'", {"a": "x"})
