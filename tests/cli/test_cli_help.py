"""`fastnn help`: every name that can be given is explained, and what is shown is true."""

import json
import re
import shlex
from importlib import resources

import pytest

import fastnn as fastnn_package
from fastnn.cli.entries import options_of_rows, options_of_training, rows_of
from fastnn.cli.exit_codes import EXIT_CODES, MEANINGS
from fastnn.cli.how_to import how_to
from fastnn.cli.lookup import entries_of, find, names_of, plain, topic_of
from fastnn.cli.main import build_parser
from fastnn.cli.tables import tables
from fastnn.cli.topics import TOPICS
from fastnn.diagnosis.findings import NAMES as FINDINGS
from fastnn.errors import ArgumentError
from fastnn.reading.file_types import FILE_TYPES
from fastnn.recipe.choices import OPTIONS

COMMANDS = build_parser().commands
ENTRIES = entries_of(COMMANDS)
NAMES = sorted({name for entry in ENTRIES for name in entry.names})
HOW_TO = how_to()


def test_help_lists_the_topics_and_each_lists_its_names(fastnn) -> None:
    shown = fastnn("help")
    assert (shown.code, shown.err) == (0, "")
    for topic in TOPICS:
        assert f"  {topic.name} " in shown.out
        listed = fastnn("help", topic.name)
        assert (listed.code, listed.err) == (0, "")
        assert listed.out.startswith(f"{topic.name}: {topic.says}\n\n")
        for entry in topic.entries():
            assert re.search(rf"^  {re.escape(entry.name)} ", listed.out, re.MULTILINE), entry
            assert " ".join(entry.says.split())[:40] in " ".join(listed.out.split())


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["relu"], ["a = max(0, z)", "g' = 1 if a > 0, else 0", "source         N4"]),
        (["adam"], ["Vhat = V / (1 - beta1^t)", "beta1=0.9 in [0, 1): ", "N30; Kingma and Ba"]),
        (["Adam"], ["adam: optimizer"]),
        (["learning_rate"], ["--learning-rate R", "a number above 0", "0.001 for rmsprop, adam"]),
        (["--learning-rate"], ["learning_rate: option of a training"]),
        (["--learning-rate=0.1"], ["learning_rate: option of a training"]),
        (["lr"], ["learning_rate: option of a training"]),
        (["--hidden"], ["hidden_layer_sizes: option of a training, also hidden"]),
        (["--no-shuffle"], ["shuffle: option of a training, also no-shuffle"]),
        (["dropout"], ["takes      in [0, 1)", "no effect  if there is no hidden layer"]),
        (["min_delta"], ["no effect  without --patience: set --patience too"]),
        (["slope"], ["slope: option of the activation leaky_relu", "default  0.01"]),
        (["warm_up"], ["warm_up: option of every schedule but one_cycle"]),
        (["--grid"], ["grid: option of fastnn search", "flag  --grid NAME=A,B[;...]"]),
        (["traceback"], ["traceback: option of every command"]),
        (["-o"], ["out: option of fastnn train, search, also -o"]),
        (["--metrics"], ["metrics: option of a training"]),
        (["flights"], ["327,346 flights", "fastnn train flights"]),
        (["cuda"], ["cuda: device", "here     "]),
        (["parquet"], ["ends in  .parquet", "pip install pyarrow narwhals"]),
        ([".csv"], ["csv: file", "csv: option of fastnn search"]),
        (["130"], ["130: exit code", "Interrupted"]),
        (["N13"], ["Hidden delta.", "nn.dense.hidden_backward", "reference.backward"]),
        (["n28"], ["see         fastnn help momentum velocity"]),
        (["l2"], ["source     N11"]),
        (["N15"], ["shown by    fastnn demo computation-graph"]),
        (["N13"], ["shown by    fastnn demo blocks; fastnn demo delta"]),
        (["computation-graph"], ["computation-graph: demo", "fastnn.demos.computation_graph()"]),
        (["confusion"], ["confusion-matrix: how to\n", "fastnn evaluate digits.fastnn"]),
        (["ROC curve"], ["roc: how to"]),
        (["early_stopping"], ["early-stopping: how to", "--patience 10"]),
        (["train"], ["usage: fastnn train DATA"]),
        (["relu", "train", "N2"], ["relu: activation", "usage: fastnn train", "N2: equation"]),
    ],
)
def test_a_name_is_explained(fastnn, names: list[str], said: list[str]) -> None:
    ran = fastnn("help", *names)
    assert (ran.code, ran.err) == (0, "")
    for text in said:
        assert text in ran.out


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("exponential", ["activation", "schedule"]),
        ("mse", ["loss", "metric"]),
        ("auto", ["device", "engine"]),
        ("momentum", ["optimizer", "option of the batch normalization before, after",
                      "option of the optimizer velocity, nesterov_velocity"]),
        ("epsilon", ["option of the batch normalization before, after",
                     "option of the optimizer rmsprop, adam, adamw"]),
    ],
)  # fmt: skip
def test_a_name_in_several_tables_shows_all(fastnn, name: str, kinds: list[str]) -> None:
    assert [entry.kind for entry in find(name, COMMANDS)] == kinds
    out = fastnn("help", name).out
    assert all(f"{kind.split()[-1]}" in out for kind in kinds)
    assert len(re.findall(r"^\w+: ", out, re.MULTILINE)) == len(kinds)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("adma", "unknown name 'adma'; did you mean 'adam'?"),
        ("--lerning-rate", "unknown name '--lerning-rate'; did you mean 'learning_rate'?"),
        ("activatoins", "did you mean 'activations'?"),
        ("trian", "did you mean 'train'?"),
        ("N99", "unknown name 'N99'"),
        ("", "unknown name ''"),
        ("qqqqqq", "unknown name 'qqqqqq' (fastnn help lists the topics)"),
    ],
)
def test_an_unknown_name_is_an_error_with_the_nearest(fastnn, name: str, said: str) -> None:
    for names in ([name], ["relu", name], [name, "--json"]):
        ran = fastnn("help", *names)
        assert (ran.code, ran.out) == (2, "")
        assert said in ran.err
        assert ran.err.count("\n") == 1


def test_every_name_of_every_table_is_found() -> None:
    rows = [row for table in tables() for row in table]
    names = {name for row in rows for name in (row.name, *row.aliases)}
    names |= {option.name for row in rows for option in row.options}
    names |= {row.name for row in OPTIONS.values()}
    for command in COMMANDS.values():
        for action in command._actions:
            names.update(flag for flag in action.option_strings if flag.startswith("--"))
    for name in sorted(names):  # each once: many tables have the same options
        assert find(name, COMMANDS), name


def test_everything_fits_into_80_columns(fastnn) -> None:
    for names in ([], [topic.name for topic in TOPICS], NAMES):
        lines = fastnn("help", *names).out.splitlines()
        assert len(lines) > 10
        assert [line for line in lines if len(line) > 80] == []


@pytest.mark.parametrize(
    "example", sorted({entry.example for entry in ENTRIES if entry.example}), ids=str
)
def test_the_examples_are_commands_that_are_accepted(example: str) -> None:
    words = shlex.split(example)
    assert words[0] == "fastnn"
    parser = build_parser()
    found = vars(parser.parse_args(words[1:]))
    if words[1] == "train":
        given = {name: found[name] for name in OPTIONS if name in found}
        for name, value in given.items():
            OPTIONS[name].check(name, value)


def test_the_default_that_an_example_sets_is_that_of_the_row() -> None:
    for table in tables():
        for entry in rows_of(table):
            row = table[entry.name]
            for option in row.options:
                assert any(option.setting in line.example for line in options_of_rows(table))


def test_json_has_all_that_the_text_has(fastnn) -> None:
    everything = json.loads(fastnn("help", "--json").out)
    assert [topic["name"] for topic in everything["topics"]] == [topic.name for topic in TOPICS]
    found = json.loads(fastnn("help", "leaky_relu", "losses", "--json").out)
    assert [topic["name"] for topic in found["topics"]] == ["losses"]
    by_name = {entry["name"]: entry for entry in found["entries"]}
    assert {"huber", "quantile", "leaky_relu"} < set(by_name)
    leaky = by_name["leaky_relu"]
    assert leaky["options"] == [
        {"name": "slope", "default": 0.01, "range": "[0, 1]", "says": "the slope below 0"}
    ]
    assert leaky["formula"][0] == "a = z if z > 0, else slope z"
    assert (leaky["source"], leaky["first_weights"][:9]) == ("N5", "he_normal")


def test_the_topics_cover_what_there_is() -> None:
    by_topic = {topic.name: {entry.name for entry in topic.entries()} for topic in TOPICS}
    assert by_topic["options"] == set(OPTIONS) == {e.name for e in options_of_training()}
    assert {int(code) for code in by_topic["exit-codes"]} == set(MEANINGS)
    assert {code for _, code in EXIT_CODES} < set(MEANINGS)
    assert by_topic["equations"] == {f"N{i}" for i in range(1, 34)}
    endings = " ".join(e.facts["ends in"] for t in TOPICS if t.name == "files" for e in t.entries())
    assert all(end in endings for of in FILE_TYPES for end in of.endings)
    named = [plain(name) for topic in TOPICS for name in (topic.name, *topic.aliases)]
    assert len(named) == len(set(named))
    names = {plain(e.name) for e in ENTRIES if e.kind != "demo"}  # a demo is listed with its topic
    # There is --metrics, and the layer Normalization is listed with its topic.
    assert set(named) & names == {"metrics", "normalization"}, "a topic hides a name"
    assert by_topic["python"] == {n for n in fastnn_package.__all__ if n != "__version__"}
    assert all(e.says != "A name of fastnn." for e in ENTRIES), "its docstring is not found"


def test_the_engines_are_those_of_the_option() -> None:
    from fastnn.backend.engine import ENGINES

    engines = next(topic for topic in TOPICS if topic.name == "engines")
    assert {entry.name for entry in engines.entries()} == set(ENGINES)


def test_find_names_the_topics_where_nothing_is_near() -> None:
    with pytest.raises(ArgumentError, match=r"^unknown name 'zzzzzz' \(fastnn help lists"):
        find("zzzzzz", {})


@pytest.mark.parametrize(
    ("question", "names"),
    [
        ("how do I see the confusion matrix", ["confusion-matrix"]),
        ("How can I see the learning curves of my model?", ["learning-curve"]),
        ("confusion matrix", ["confusion matrix"]),
        ("missing values", ["missing values"]),
        ("learning rate", ["learning rate"]),
        ("which learning rate", ["learning-rate-finder"]),
        ("which features matter?", ["importance"]),
        ("why does it not learn", ["not-learning"]),
        ("gradients vanish", ["gradients vanish"]),
        ("dead relu", ["dead relu"]),
        ("how do I save", ["deploy"]),
        ("my loss is nan", ["not-learning"]),
        ("is there a GPU?", ["gpu"]),
        ("does it overfit", ["overfitting"]),
        ("what about missing values, text columns", ["categories", "missing-values"]),
        ("how do I use dropout", ["dropout"]),
        ("relu tanh N2", ["relu", "tanh", "N2"]),
        ("metrics accuracy", ["metrics", "accuracy"]),
        ("relu adma", ["relu", "adma"]),
    ],
)
def test_a_question_is_understood_in_one_word_or_in_several(
    fastnn, question: str, names: list[str]
) -> None:
    assert names_of(question.split(), COMMANDS) == names
    if "adma" not in names:
        in_one = fastnn("help", question)
        assert (in_one.code, in_one.err) == (0, "")
        assert in_one.out == fastnn("help", *question.split()).out == fastnn("help", *names).out


def test_a_question_about_nothing_says_where_to_look(fastnn) -> None:
    ran = fastnn("help", "how", "do", "I", "get", "home")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == (
        "fastnn: error: nothing is found for 'how do I get home' (fastnn help how-to lists what "
        "can be seen and done, fastnn help the topics)\n"
    )


def test_what_a_how_to_says_is_there() -> None:
    guide = resources.files("fastnn")
    parser = build_parser()
    for row in HOW_TO:
        facts = dict(row.facts)
        page, _, anchor = facts.pop("guide", "").partition("#")
        if page:
            text = guide.joinpath(page.removeprefix("fastnn/")).read_text(encoding="utf-8")
            titles = re.findall("^#+ (.*)$", text, re.MULTILINE)
            assert not anchor or anchor in {title.lower().replace(" ", "-") for title in titles}
        for what, said in facts.items():
            if what == "in Python":
                for name in re.findall(r"fastnn\.(\w+)", said):
                    assert name in fastnn_package.__all__, (row.name, name)
                continue
            for command in said.split("; "):
                words = shlex.split(command)
                assert words[0] == "fastnn"
                parser.parse_args(words[1:])
                if words[1] == "help":
                    assert all(topic_of(name) or find(name, COMMANDS) for name in words[2:])


def test_no_two_how_tos_have_a_word_in_common() -> None:
    words = [plain(word) for row in HOW_TO for word in row.names]
    assert len(words) == len(set(words))


def test_every_finding_and_what_weights_are_called_elsewhere_is_explained() -> None:
    for name in FINDINGS:
        assert {e.name for e in find(name, COMMANDS)} >= {"not-learning"}, name
    for name in ("xavier", "he", "glorot", "kaiming"):
        assert [e.name for e in find(name, COMMANDS)] == ["first-weights"]
    (entry,) = find("MLPClassifier", COMMANDS)
    assert entry.facts["in Python"] == "fastnn.MLPClassifier"
