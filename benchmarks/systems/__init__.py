"""The systems that are measured: each module has ``prepare(case)``.

It returns a function that trains one epoch: new order, every mini-batch, Adam with learning rate
0.001, float32; it comes back when the epoch is really done. Each runs in a process of its own.
"""
