"""The only modules that import dvc, huggingface_hub and GitPython."""
