/** @file The version that every artefact we write carries. A test holds it equal to package.json and package.xml. */

export const TOOL_VERSION = '0.1.0';
