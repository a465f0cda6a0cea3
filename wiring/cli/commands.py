"""Every command of `rankfeed` by its name, and where it is: nobody who types one waits for the others."""

from __future__ import annotations

from wiring.cli.group import Listed

COMMANDS = {
    "api": Listed("processes:api", "Run one api process (what `up` starts)."),
    "chaos": Listed(
        "chaos:chaos",
        "Take something from the running stack, and watch ranked feeds go down the ladder and come back.",
    ),
    "console": Listed(
        "console:console",
        "Serve the console of a running stack: compare, models, health (`up` starts one by itself).",
    ),
    "contracts": Listed(
        "contracts:contracts",
        "Print the formats that others may rely on: events, keys, rows, errors, manifests.",
    ),
    "convert": Listed("data:convert", "Bring other formats into the interchange format."),
    "demo": Listed(
        "demo:demo",
        "The whole product once: import a simulated week, train, promote, let viewers come, compare.",
    ),
    "dlq": Listed(
        "dead_letters:dlq",
        "Dead letters: events that always failed, set aside with their cause so that the others went on.",
    ),
    "evaluate": Listed(
        "evaluate:evaluate",
        "Judge a model on impressions it has not seen, head by head, against simple ways to rank.",
    ),
    "export": Listed(
        "data:export",
        "Write DIRECTORY, new or empty, in the interchange format: what a stack's lake and stores hold.",
    ),
    "fanout": Listed("processes:fanout", "Run one fanout process (what `up` starts)."),
    "features": Listed(
        "features:features",
        "Features: publish their schema, have them in Feast, check what was served against the lake.",
    ),
    "id": Listed(
        "data:show_id", "Print our id of an imported user or tweet, as in `rankfeed id kuairand/user 2304`."
    ),
    "import": Listed(
        "data:import_",
        "Import DIRECTORY (interchange format) through the log and the pipelines, with its own times.",
    ),
    "lake": Listed(
        "lake:lake", "The lake: what was served, seen and done, in Parquet files below RANKFEED_HOME."
    ),
    "log": Listed("log:log", "The event log: look into it, and have a group of consumers begin again."),
    "migrate": Listed(
        "stack:migrate",
        "Make or upgrade Cassandra's tables and Kafka's topics; safe to run again at any time.",
    ),
    "models": Listed("models:models", "Models: what there is, what serves, and what shall."),
    "objective": Listed(
        "objective:objective",
        "The objective: weights over the model's heads, freshness, sources and diversity.",
    ),
    "outbox": Listed(
        "outbox:outbox",
        "Writes that the relay could not finish, set aside with their cause (Cassandra and Kafka only).",
    ),
    "pipelines": Listed("processes:pipelines", "Run one pipelines process (what `up` starts)."),
    "replay": Listed(
        "replay:replay", "Say why a served page was as it was: compute it once more from its record."
    ),
    "report": Listed(
        "report:report",
        "What a ranked feed would gain on your own history, on one page, and what the data cannot tell.",
    ),
    "servers": Listed(
        "servers:servers", "Kafka, Cassandra and a Redis Cluster of your own, on the loopback."
    ),
    "settings": Listed(
        "settings:show_settings", "List every setting with its value and where that comes from."
    ),
    "simulate": Listed(
        "simulate:simulate",
        "Write the past of a simulated world into DIRECTORY, new or empty, in the interchange format.",
    ),
    "token": Listed("token:token", "Print a token, signed with the stack's own key."),
    "train": Listed(
        "train:train",
        "Train all heads from the lake, export them to one ONNX graph, and check that both agree.",
    ),
    "up": Listed("stack:up", "Run a whole stack on this machine until Ctrl-C."),
    "url": Listed("stack:url", "Print where the API of the running stack listens."),
}
