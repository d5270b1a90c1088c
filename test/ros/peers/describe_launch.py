#!/usr/bin/env python3
"""Prints as JSON what launch/localizer.launch.py would start: describe_launch.py FILE '{"map": "city.vprmap"}'.

The packages launch and launch_ros come with a ROS installation, not with the wheels; what the file uses of them is recorded
here instead.
"""
import importlib.util
import json
import sys
from types import ModuleType, SimpleNamespace


def record(kind):
    return lambda *args, **kwargs: SimpleNamespace(kind=kind, args=args, **kwargs)


class LaunchConfiguration:
    def __init__(self, name):
        self.name = name

    def perform(self, context):
        return context[self.name]


def provide(name, **members):
    module = ModuleType(name)
    vars(module).update(members)
    sys.modules[name] = module


def main():
    file, given = sys.argv[1], json.loads(sys.argv[2])
    provide("launch", LaunchDescription=list)
    provide(
        "launch.actions",
        DeclareLaunchArgument=record("argument"),
        OpaqueFunction=lambda function: SimpleNamespace(kind="function", function=function),
    )
    provide("launch.substitutions", LaunchConfiguration=LaunchConfiguration)
    provide("launch_ros")
    provide("launch_ros.actions", Node=record("node"))
    spec = importlib.util.spec_from_file_location("launch_file", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    actions = module.generate_launch_description()
    context = {action.args[0]: action.default_value for action in actions if action.kind == "argument"}
    unknown = set(given) - set(context)
    if unknown:
        sys.exit(f"no such launch argument: {', '.join(unknown)}")
    (node,) = actions[-1].function({**context, **given})
    json.dump({name: value for name, value in vars(node).items() if name != "args"}, sys.stdout)


if __name__ == "__main__":
    main()
