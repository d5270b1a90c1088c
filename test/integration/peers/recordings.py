"""Recordings by other people's software: PyPI `rosbags` and `mcap` write what ours must read, and read what ours writes.

    recordings.py write FORMAT OUT.bag MANIFEST.json
    recordings.py read FILE.mcap            by `mcap`; one JSON line a message, on stdout
    recordings.py read FOLDER               by `rosbags`, a rosbag2 folder; the same lines
"""
import hashlib
import json
import sys
from pathlib import Path

import numpy as np
from mcap.reader import make_reader
from mcap.writer import CompressionType, Writer as McapWriter
from rosbags.highlevel import AnyReader
from rosbags.rosbag1 import Writer as Ros1Writer
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer as Ros2Writer
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

ROS1 = get_typestore(Stores.ROS1_NOETIC)
ROS2 = get_typestore(Stores.ROS2_JAZZY)


def messages(store, manifest):
    """Every message of the manifest as (topic, type, log time in ns, message)."""
    types = store.types
    is_ros1 = store is ROS1

    def header(stamp_ns, frame_id):
        stamp = types["builtin_interfaces/msg/Time"](sec=stamp_ns // 10**9, nanosec=stamp_ns % 10**9)
        extra = {"seq": 0} if is_ros1 else {}
        return types["std_msgs/msg/Header"](stamp=stamp, frame_id=frame_id, **extra)

    for item in manifest:
        stamp_ns = int(item["stamp_ns"])
        log_ns = stamp_ns + 5_000_000
        picture = np.frombuffer(Path(item["compressed"]).read_bytes(), dtype=np.uint8)
        yield "/camera/compressed", "sensor_msgs/msg/CompressedImage", log_ns, types["sensor_msgs/msg/CompressedImage"](
            header=header(stamp_ns, "camera"), format=item["format"], data=picture)
        pixels = np.frombuffer(Path(item["pixels"]).read_bytes(), dtype=np.uint8)
        yield "/camera/image_raw", "sensor_msgs/msg/Image", log_ns, types["sensor_msgs/msg/Image"](
            header=header(stamp_ns, "camera"), height=item["height"], width=item["width"], encoding="rgb8",
            is_bigendian=0, step=item["width"] * 3, data=pixels)
        point = types["geometry_msgs/msg/Point"](x=item["x"], y=item["y"], z=0.0)
        turn = types["geometry_msgs/msg/Quaternion"](x=0.0, y=0.0, z=item["qz"], w=item["qw"])
        yield "/pose", "geometry_msgs/msg/PoseStamped", log_ns, types["geometry_msgs/msg/PoseStamped"](
            header=header(stamp_ns, "map"), pose=types["geometry_msgs/msg/Pose"](position=point, orientation=turn))


def write_rosbag2(out, manifest, plugin, mode):
    writer = Ros2Writer(out, version=9, storage_plugin=plugin)
    if mode is not None:
        writer.set_compression(mode, CompressionFormat.ZSTD)
    with writer:
        connections = {}
        for topic, kind, log_ns, message in messages(ROS2, manifest):
            if topic not in connections:
                connections[topic] = writer.add_connection(topic, kind, typestore=ROS2)
            writer.write(connections[topic], log_ns, ROS2.serialize_cdr(message, kind))


def write_ros1(out, manifest, compression):
    writer = Ros1Writer(out)
    if compression is not None:
        writer.set_compression(compression)
    with writer:
        connections = {}
        for topic, kind, log_ns, message in messages(ROS1, manifest):
            if topic not in connections:
                connections[topic] = writer.add_connection(topic, kind, typestore=ROS1)
            writer.write(connections[topic], log_ns, ROS1.serialize_ros1(message, kind))


def write_mcap(out, manifest, **options):
    with open(out, "wb") as file:
        writer = McapWriter(file, **options)
        writer.start(profile="ros2", library="peer")
        channels = {}
        for topic, kind, log_ns, message in messages(ROS2, manifest):
            if topic not in channels:
                text, _ = ROS2.generate_msgdef(kind, ros_version=2)
                schema = writer.register_schema(name=kind, encoding="ros2msg", data=text.encode())
                channels[topic] = writer.register_channel(topic=topic, message_encoding="cdr", schema_id=schema)
            data = bytes(ROS2.serialize_cdr(message, kind))
            writer.add_message(channel_id=channels[topic], log_time=log_ns, publish_time=log_ns, data=data)
        writer.finish()


FORMATS = {
    "rosbag2-sqlite": lambda out, m: write_rosbag2(out, m, StoragePlugin.SQLITE3, None),
    "rosbag2-sqlite-message-zstd": lambda out, m: write_rosbag2(out, m, StoragePlugin.SQLITE3, CompressionMode.MESSAGE),
    "rosbag2-sqlite-file-zstd": lambda out, m: write_rosbag2(out, m, StoragePlugin.SQLITE3, CompressionMode.FILE),
    "rosbag2-mcap": lambda out, m: write_rosbag2(out, m, StoragePlugin.MCAP, None),
    "rosbag2-mcap-zstd": lambda out, m: write_rosbag2(out, m, StoragePlugin.MCAP, CompressionMode.STORAGE),
    "mcap-none": lambda out, m: write_mcap(out, m, compression=CompressionType.NONE, chunk_size=200_000),
    "mcap-lz4": lambda out, m: write_mcap(out, m, compression=CompressionType.LZ4, chunk_size=200_000),
    "mcap-zstd": lambda out, m: write_mcap(out, m, compression=CompressionType.ZSTD, chunk_size=200_000),
    "mcap-unchunked": lambda out, m: write_mcap(out, m, use_chunking=False),
    "ros1": lambda out, m: write_ros1(out, m, None),
    "ros1-lz4": lambda out, m: write_ros1(out, m, Ros1Writer.CompressionFormat.LZ4),
    "ros1-bz2": lambda out, m: write_ros1(out, m, Ros1Writer.CompressionFormat.BZ2),
}


def plain(value):
    """A decoded message as JSON; arrays as the hash of their bytes."""
    if isinstance(value, np.ndarray):
        return hashlib.sha256(value.tobytes()).hexdigest()
    if isinstance(value, list):
        return [plain(item) for item in value]
    if hasattr(value, "__dataclass_fields__"):
        return {name: plain(getattr(value, name)) for name in value.__dataclass_fields__ if name != "__msgtype__"}
    return None if isinstance(value, float) and value != value else value


def read_mcap(path):
    with open(path, "rb") as file:
        stores = {}
        for schema, channel, message in make_reader(file, validate_crcs=True).iter_messages():
            if schema.name not in stores:
                store = get_typestore(Stores.EMPTY)
                store.register(get_types_from_msg(schema.data.decode(), schema.name))
                stores[schema.name] = store
            decoded = stores[schema.name].deserialize_cdr(message.data, schema.name)
            print(json.dumps({"topic": channel.topic, "type": schema.name, "log_ns": str(message.log_time),
                              "message": plain(decoded)}))


def read_folder(path):
    with AnyReader([Path(path)]) as reader:
        for connection, log_ns, data in reader.messages():
            decoded = reader.deserialize(data, connection.msgtype)
            print(json.dumps({"topic": connection.topic, "type": connection.msgtype, "log_ns": str(log_ns),
                              "message": plain(decoded)}))


if __name__ == "__main__":
    if sys.argv[1] == "write":
        FORMATS[sys.argv[2]](Path(sys.argv[3]), json.loads(Path(sys.argv[4]).read_text()))
    elif Path(sys.argv[2]).is_dir():
        read_folder(sys.argv[2])
    else:
        read_mcap(sys.argv[2])
