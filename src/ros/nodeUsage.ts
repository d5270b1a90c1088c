/** @file What `localizer_node --help` prints, and what is said to arguments that nobody asked for. Pure text. */

export const NODE_USAGE = `Usage: ros2 run netvlad_localizer localizer_node [--ros-args ARGUMENTS]

Tells from a camera's images where in a map the robot is (a managed node, "localizer").

  -p map:=city.vprmap               the map to localize in; netvlad map build makes one
  -r image:=/camera/image_raw       the camera's topic
  -p image_transport:=compressed    for sensor_msgs/CompressedImage on image/compressed
  -p autostart:=false               wait for a lifecycle manager to configure and activate it
  -p mapping.enabled:=true          make places of what it sees
  --params-file localizer.yaml      any of the parameters; share/netvlad_localizer/config/localizer.yaml explains all
  -r __ns:=/robot1                  a namespace for the node and its topics
  --log-level debug

  -h, --help       this text
  --version        the version

Why it is silent: ros2 topic echo /diagnostics. What works on this machine: ros2 run netvlad_localizer netvlad doctor.
`;

/** Null when there is nothing to say. */
export function describeStrayArguments(others: readonly string[]): string | null {
  if (others.length === 0) return null;
  const given = others.join(' ');
  return `Ignored: ${given}. Parameters and remaps go behind --ros-args: --ros-args -p map:=city.vprmap -r image:=/camera/image_raw.`;
}
