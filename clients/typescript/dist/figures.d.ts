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
export declare function imageOf(diagram: Diagram | undefined): FigureImage | undefined;
