"""The registry as files: six CSV files in a folder, or one YAML file with a document an entry. Nothing here is on the
path of a request."""
