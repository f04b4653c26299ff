export { ApiError, Unreachable } from "./errors.js";
export { TafawoqClient } from "./client.js";
export type { Asked, ClientOptions, RetryOptions, Sessions, WaitOptions } from "./client.js";
export type { FollowOptions, SessionEvent } from "./events.js";
export { imageOf } from "./figures.js";
export type { FigureImage } from "./figures.js";
export { LiveSession } from "./live-session.js";
export type { LiveOptions, Problem, SessionCalls, SessionState } from "./live-session.js";
export { browserStore, memoryStore } from "./saved.js";
export type { KeyValueStore } from "./saved.js";
export type {
  BatchShape as Batch,
  CreateExam,
  CreatePractice,
  ErrorShape,
  FigureShape as Figure,
  FormerFigureShape as FormerFigure,
  QuestionShape as Question,
  SessionPage,
  SessionShape as Session,
} from "./schema.js";
