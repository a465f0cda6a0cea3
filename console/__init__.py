"""The pages for ML engineers and product teams: compare feeds, promote models, see how a stack fares."""
