#!/usr/bin/env python3
"""Plays a drive into a ROS 2 graph, as a camera would: images, and odometry and ground truth where the drive has them.

    play_drive.py DRIVE.jsonl --rate 4

One line of the drive is one frame: {"file": path, "pose": [x, y, z, qx, qy, qz, qw] or null, "odometry": the same or null}.
Stamps are the time of publication. For every frame one line of JSON goes to stdout before it is published:
{"frame": index, "stamp_ns": "..."}; messages for people go to stderr.
"""
import argparse
import array
import json
import sys
import time

import rclpy
from geometry_msgs.msg import Pose, PoseStamped
from nav_msgs.msg import Odometry
from rclpy.executors import ExternalShutdownException
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import CompressedImage

PATIENCE_S = 60.0


def to_pose(values):
    pose = Pose()
    pose.position.x, pose.position.y, pose.position.z = values[:3]
    pose.orientation.x, pose.orientation.y, pose.orientation.z, pose.orientation.w = values[3:]
    return pose


class Player:
    def __init__(self, node):
        self.node = node
        self.image = node.create_publisher(CompressedImage, "image/compressed", qos_profile_sensor_data)
        self.odometry = node.create_publisher(Odometry, "odom", 10)
        self.ground_truth = node.create_publisher(PoseStamped, "ground_truth", 10)

    def wait_for_listener(self):
        """Returns whether somebody listens to the images."""
        deadline = time.monotonic() + PATIENCE_S
        while self.image.get_subscription_count() == 0:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        time.sleep(0.3)  # the other topics of the listener match a moment later
        return True

    def play(self, index, frame):
        with open(frame["file"], "rb") as file:
            data = file.read()
        stamp = self.node.get_clock().now()
        print(json.dumps({"frame": index, "stamp_ns": str(stamp.nanoseconds)}), flush=True)
        if frame["odometry"] is not None:
            odometry = Odometry(child_frame_id="base_link")
            odometry.header.frame_id = "odom"
            odometry.header.stamp = stamp.to_msg()
            odometry.pose.pose = to_pose(frame["odometry"])
            self.odometry.publish(odometry)
        if frame["pose"] is not None:
            truth = PoseStamped(pose=to_pose(frame["pose"]))
            truth.header.frame_id = "map"
            truth.header.stamp = stamp.to_msg()
            self.ground_truth.publish(truth)
        image = CompressedImage(format="png" if data[:4] == b"\x89PNG" else "jpeg")
        image.header.frame_id = "camera_optical_frame"
        image.header.stamp = stamp.to_msg()
        image.data = array.array("B", data)
        self.image.publish(image)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("drive")
    parser.add_argument("--rate", type=float, default=4.0, help="frames per second")
    options = parser.parse_args()
    with open(options.drive, encoding="utf-8") as file:
        frames = [json.loads(line) for line in file]
    rclpy.init()
    player = Player(rclpy.create_node("drive_player"))
    if not player.wait_for_listener():
        print(f"Nobody subscribed to image/compressed within {PATIENCE_S:.0f} s.", file=sys.stderr)
        return 1
    started = time.monotonic()
    for index, frame in enumerate(frames):
        time.sleep(max(0.0, started + index / options.rate - time.monotonic()))
        player.play(index, frame)
    time.sleep(0.5)  # the last message is on its way
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (KeyboardInterrupt, ExternalShutdownException):
        sys.exit(130)
