/** @file The colours of a chart's series, in order: told apart on light and on dark ground. */

export const SERIES_COLOURS = ['#3b76d6', '#d9822b', '#8a5bd0', '#1f9d8f'];
