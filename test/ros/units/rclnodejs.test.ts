/** @file How publishers on the graph are named. */
import assert from 'node:assert/strict';
import { toEndpoint } from '../../../src/ros/rclnodejs.ts';

describe('publishers on the graph', () => {
  const nodeOf = (node_name: string, node_namespace: string): string =>
    toEndpoint({
      ...{ node_name, node_namespace, topic_type: 'sensor_msgs/msg/Image' },
      qos_profile: { depth: 5, reliability: 1, durability: 2 },
    }).node;

  it('are named by namespace and node, and in words before their node is known', () => {
    assert.equal(nodeOf('camera', '/'), '/camera');
    assert.equal(nodeOf('camera', '/robot/front'), '/robot/front/camera');
    assert.equal(nodeOf('_NODE_NAME_UNKNOWN_', '_NODE_NAMESPACE_UNKNOWN_'), '(a node whose name is not known yet)');
    assert.equal(nodeOf('_CREATED_BY_BARE_DDS_APP_', '_CREATED_BY_BARE_DDS_APP_'), '(a DDS program outside ROS)');
  });
});
