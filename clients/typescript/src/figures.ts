import type { FigureShape } from "./schema.js";

/**
 * A figure's drawing as the address of an image: `<img src={imageOf(figure)} alt={figure.caption} />`.
 * An image runs no script; never put `svg` into a page as markup.
 */
export function imageOf(figure: FigureShape): string {
  return `data:image/svg+xml,${encodeURIComponent(figure.svg)}`;
}
