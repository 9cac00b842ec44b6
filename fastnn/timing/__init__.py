"""What vectorisation, compiled code and a GPU are worth, kernel by kernel, against plain loops."""
