"""The shim: devices, array modules, random streams, kernels and recorded steps."""
