"""Starts the localizer.

    ros2 launch netvlad_localizer localizer.launch.py map:=/maps/city.vprmap image:=/camera/image_raw

An empty argument leaves the matter to params_file. To be included in a larger bring-up (nav2, a robot's own), with
launch_arguments; under nav2's lifecycle manager set autostart:=false and the manager's bond_timeout to 0.0.
"""

import os
from pathlib import Path

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

CONFIG = Path(__file__).resolve().parent.parent / "config"

# name, default, description; the order of `ros2 launch --show-args`
ARGUMENTS = [
    ("map", "", "map file (*.vprmap) to localize in, or to make while mapping"),
    ("model", "", "model manifest (name.json); must be the one that made the map; empty = the model of the package"),
    ("provider", "", "cpu, cuda (only that), or cuda,cpu (CPU where CUDA is unavailable)"),
    ("image", "image", "camera topic without /compressed: sensor_msgs/Image, or its compressed twin, see image_transport"),
    ("image_transport", "", "raw or compressed"),
    ("odom", "odom", "nav_msgs/Odometry topic (optional input)"),
    ("fix", "fix", "sensor_msgs/NavSatFix topic (optional input)"),
    ("ground_truth", "ground_truth", "topic with true positions (optional input, see ground_truth_type)"),
    ("params_file", str(CONFIG / "localizer.yaml"), "YAML file with the node's parameters"),
    ("namespace", "", "namespace of the node and of every relative topic"),
    ("name", "localizer", "node name"),
    ("use_sim_time", "", "true: follow /clock, as with ros2 bag play --clock"),
    ("autostart", "", "false: wait for a lifecycle manager to configure and activate the node"),
    ("log_level", "", "debug, info, warn or error"),
]


def parameters_given(argument):
    """The parameters that override params_file; launch arguments are text, the node's parameters are typed."""
    parameters = {name: argument(name) for name in ("map", "model", "image_transport", "log_level") if argument(name)}
    if argument("provider"):
        parameters["providers"] = [name.strip() for name in argument("provider").split(",")]
    for name in ("use_sim_time", "autostart"):
        if argument(name):
            parameters[name] = to_bool(name, argument(name))
    return parameters


def to_bool(name, text):
    if text.lower() not in ("true", "false"):
        raise ValueError(f"launch argument {name}: expected true or false, got '{text}'")
    return text.lower() == "true"


def topics(argument):
    """Remappings. The compressed twin is a topic of its own and must follow its camera."""
    image = argument("image").removesuffix("/compressed")
    renamed = [("image", image), ("image/compressed", f"{image}/compressed")]
    renamed += [(name, argument(name)) for name in ("odom", "fix", "ground_truth")]
    return [(old, new) for old, new in renamed if old != new]


def start(context):
    def argument(name):
        return LaunchConfiguration(name).perform(context).strip()

    # Without this profile Fast-DDS silently loses raw images above 0.5 MB. The camera driver needs it as well.
    environment = {}
    if "FASTRTPS_DEFAULT_PROFILES_FILE" not in os.environ:
        environment["FASTRTPS_DEFAULT_PROFILES_FILE"] = str(CONFIG / "fastdds.xml")
    return [
        Node(
            package="netvlad_localizer",
            executable="localizer_node",
            name=argument("name"),
            namespace=argument("namespace"),
            parameters=[argument("params_file"), parameters_given(argument)],
            remappings=topics(argument),
            additional_env=environment,
            output="screen",
            emulate_tty=True,
        )
    ]


def generate_launch_description():
    declared = [DeclareLaunchArgument(name, default_value=default, description=text) for name, default, text in ARGUMENTS]
    return LaunchDescription([*declared, OpaqueFunction(function=start)])
