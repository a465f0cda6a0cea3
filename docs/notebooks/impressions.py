# %% [markdown]
# # Impressions
# What viewers saw, what was known of it when it was served, and what came of it. Run it in an editor that
# knows `# %%` cells, or whole: `RANKFEED_HOME=.rankfeed python docs/notebooks/impressions.py`.

# %%
import polars as pl

from training.labels import LABELS
from wiring.open_lake import open_lake

lake = open_lake()
impressions = lake.impressions()

# %% [markdown]
# The frame is lazy: only what is asked for is read. A label is null as long as its window has not passed.

# %%
heads = list(LABELS)
by_source = (
    impressions.group_by("algorithm", "source")
    .agg(pl.len().alias("seen"), *(pl.col(head).mean() for head in heads))
    .sort("seen", descending=True)
    .collect()
)
print(by_source)

# %% [markdown]
# How many labels are known, and how many of them are positive.

# %%
known = impressions.select(
    pl.concat_list(pl.col(head).is_not_null().sum() for head in heads).alias("known"),
    pl.concat_list(pl.col(head).sum() for head in heads).alias("positive"),
    pl.lit(pl.Series(heads)).implode().alias("head"),
)
print(known.explode("head", "known", "positive").select("head", "known", "positive").collect())

# %% [markdown]
# Features stand under their names, as they were served: NaN is missing, null was not logged. Clicks by how
# often the tweet had been clicked before, where that was logged.

# %%
feature = "t.click_rate_2d"
by_rate = (
    impressions.filter("as_served", pl.col("click").is_not_null())
    .group_by((pl.col(feature) * 10).floor() / 10)
    .agg(pl.len().alias("seen"), pl.col("click").mean())
    .sort(feature)
    .collect()
)
print(by_rate)

# %% [markdown]
# Where on the page it was seen: position is no feature, but the first thing to look at.

# %%
by_position = (
    impressions.group_by("position")
    .agg(pl.len().alias("seen"), pl.col("click").mean())
    .sort("position")
    .collect()
)
print(by_position)
