/** A figure as an image. Its SVG is shown through a data URL and never as markup: an image runs no script. */
import type { FigureShape, FormerFigureShape } from "./schema.js";
/** `src` and `alt` of an `<img>`. */
export interface FigureImage {
    src: string;
    alt: string;
}
/** The drawing and its caption: `<img {...image} />`. Undefined without a drawing, as in sessions from before figures had one. */
export declare function imageOf(diagram: FigureShape | FormerFigureShape | undefined): FigureImage | undefined;
