export { ApiError, Unreachable } from "./errors.js";
export { TafawoqClient } from "./client.js";
export { imageOf } from "./figures.js";
export { LiveSession } from "./live-session.js";
export { browserStore, memoryStore } from "./saved.js";
