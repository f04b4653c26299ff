/** A figure as an image. Its SVG is shown through a data URL and never as markup: an image runs no script. */
/** The drawing and its caption: `<img {...image} />`. Undefined without a drawing, as in sessions from before figures had one. */
export function imageOf(diagram) {
    if (diagram === undefined || !("svg" in diagram))
        return undefined;
    return { src: `data:image/svg+xml,${encodeURIComponent(diagram.svg)}`, alt: diagram.caption };
}
