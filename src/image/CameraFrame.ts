/** @file A camera frame as a ROS message, a bag record or a file carries it, before decoding. */

/** sensor_msgs/Image. `data` must be owned by the receiver (copied out of the middleware's buffer). */
export interface RawFrame {
  readonly kind: 'raw';
  /** Acquisition time, nanoseconds (header.stamp). */
  readonly stampNs: bigint;
  /** Optical frame of the camera (header.frame_id). */
  readonly frameId: string;
  readonly width: number;
  readonly height: number;
  /** A sensor_msgs/image_encodings name, e.g. `rgb8`, `bgr8`, `mono8`, `16UC1`. */
  readonly encoding: string;
  /** Bytes from one row to the next; may exceed width * bytes per pixel. */
  readonly step: number;
  readonly isBigEndian: boolean;
  readonly data: Uint8Array;
}

/** sensor_msgs/CompressedImage, or the bytes of an image file. */
export interface CompressedFrame {
  readonly kind: 'compressed';
  readonly stampNs: bigint;
  readonly frameId: string;
  /** `jpeg`, `png`, or the image_transport form `bgr8; jpeg compressed bgr8`; empty for files. */
  readonly format: string;
  readonly data: Uint8Array;
}

export type CameraFrame = RawFrame | CompressedFrame;

/** Why a frame cannot be used; stable machine-readable kinds, counted in the diagnostics. */
export type FrameProblemKind =
  | 'empty' // no bytes, or zero width or height
  | 'truncated' // fewer bytes than height x step, or a codec that stops in the middle
  | 'bad-step' // step smaller than a row of pixels
  | 'unknown-encoding'
  | 'too-large' // more pixels than the limit (decompression bombs)
  | 'corrupt' // the codec refuses it
  | 'unreadable'; // the file cannot be opened

/** A problem is a value: `message` says expected, received and what to do. */
export interface FrameProblem {
  readonly kind: FrameProblemKind;
  readonly message: string;
}
