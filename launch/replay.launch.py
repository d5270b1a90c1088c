"""Plays a recording into the localizer, as if the robot drove there now.

    ros2 launch netvlad_localizer replay.launch.py bag:=drive.mcap map:=city.vprmap image:=/camera/image_raw

Ends when the recording does. Real time drops frames when the machine is slow: to judge a map, use `netvlad replay`, which
misses none and repeats exactly. Arguments that are not listed here go to localizer.launch.py.
"""

from pathlib import Path

from launch import LaunchDescription
from launch.actions import (
    DeclareLaunchArgument,
    ExecuteProcess,
    IncludeLaunchDescription,
    RegisterEventHandler,
    Shutdown,
)
from launch.event_handlers import OnProcessExit
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration

LOCALIZER = Path(__file__).resolve().parent / "localizer.launch.py"


def generate_launch_description():
    player = ExecuteProcess(
        cmd=[
            *["ros2", "bag", "play", LaunchConfiguration("bag"), "--clock"],
            *["--rate", LaunchConfiguration("rate"), "--delay", LaunchConfiguration("delay")],
        ],
        name="player",
        output="screen",
    )
    localizer = IncludeLaunchDescription(
        PythonLaunchDescriptionSource(str(LOCALIZER)),
        launch_arguments={"use_sim_time": "true"}.items(),
    )
    return LaunchDescription(
        [
            DeclareLaunchArgument("bag", description="recording: an .mcap file or a rosbag2 folder"),
            DeclareLaunchArgument("rate", default_value="1.0", description="speed of the player"),
            DeclareLaunchArgument("delay", default_value="5.0", description="seconds for the node to load model and map"),
            localizer,
            player,
            RegisterEventHandler(
                OnProcessExit(target_action=player, on_exit=[Shutdown(reason="the recording has ended")])
            ),
        ]
    )
