"""Tables in Apache Parquet, whose images are compressed pictures; read a group of rows at a time."""
