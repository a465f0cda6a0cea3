"""Other people's data, in one Parquet format: converters into it, and the importer."""
