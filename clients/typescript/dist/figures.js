/** A figure as an image. Its SVG is shown through a data URL and never as markup, so nothing in it can run. */
/** The drawing and its description. Undefined when the figure has no drawing, as in sessions from before figures had one. */
export function imageOf(diagram) {
    if (diagram === undefined || !("svg" in diagram) || typeof diagram.svg !== "string")
        return undefined;
    const alt = "caption" in diagram && typeof diagram.caption === "string" ? diagram.caption : "";
    return { src: `data:image/svg+xml;charset=utf-8,${encodeURIComponent(diagram.svg)}`, alt };
}
