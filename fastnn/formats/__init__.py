"""Files: the model document, ONNX, weights of other libraries."""
