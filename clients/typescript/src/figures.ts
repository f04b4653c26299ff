/** A figure as an image. Its SVG is shown through a data URL and never as markup, so nothing in it can run. */

import type { QuestionShape } from "./schema.js";

/** The figure of a question, typed from the API's description. */
export type Diagram = NonNullable<QuestionShape["diagram"]>;

/** `src` and `alt` of an `<img>`. */
export interface FigureImage {
  src: string;
  alt: string;
}

/** The drawing and its description. Undefined when the figure has no drawing, as in sessions from before figures had one. */
export function imageOf(diagram: Diagram | undefined): FigureImage | undefined {
  if (diagram === undefined || !("svg" in diagram) || typeof diagram.svg !== "string") return undefined;
  const alt = "caption" in diagram && typeof diagram.caption === "string" ? diagram.caption : "";
  return { src: `data:image/svg+xml;charset=utf-8,${encodeURIComponent(diagram.svg)}`, alt };
}
