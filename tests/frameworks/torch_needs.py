"""Prints what the installed torch requires, one a line, but triton and cusolver."""

import importlib.metadata
import re

for requirement in importlib.metadata.requires("torch") or []:
    name, _, condition = requirement.partition(";")
    if "extra ==" not in condition and not re.match(r"triton|nvidia-cusolver", name):
        print(re.sub(r"(?<=[\[,])cusolver,?", "", name).replace(",]", "]").strip())
