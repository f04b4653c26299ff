export { ApiError, Unreachable } from "./errors.js";
export { TafawoqClient } from "./client.js";
export type { Asked, ClientOptions, WaitOptions } from "./client.js";
export type { FollowOptions, SessionEvent } from "./events.js";
export type {
  BatchShape as Batch,
  ChartShape as Chart,
  CreateExam,
  CreatePractice,
  DiagramShape as Diagram,
  ErrorShape,
  QuestionShape as Question,
  SessionPage,
  SessionShape as Session,
} from "./schema.js";
