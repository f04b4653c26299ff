/** The page: shows the exam and knows nothing of HTTP. `?api=` is the address of the API. */

import { ApiError, TafawoqClient, imageOf, type Figure, type FormerFigure, type Question } from "../../clients/typescript/src/index.js";
import { Exam, type Notice } from "./exam.js";

const NOTICES: Record<Notice, string> = {
  connected: "",
  reconnecting: "انقطع الاتصال، نعيد المحاولة…",
  waiting: "السؤال قيد الإعداد، لحظات…",
  failed: "تعذّر إعداد بعض الأسئلة، وما زلنا نحاول.",
};

const asked = new URLSearchParams(location.search);
const client = new TafawoqClient({
  baseUrl: asked.get("api") ?? "http://127.0.0.1:8000",
  headers: () => ({ "X-User-Id": student() }), // with Supabase: { Authorization: `Bearer ${access_token}` }
});
let exam: Exam | undefined;
let place = 0;
const chosen = new Map<number, number>();

function student(): string {
  const known = localStorage.getItem("student") ?? crypto.randomUUID();
  localStorage.setItem("student", known);
  return known;
}

function element<T extends HTMLElement>(id: string): T {
  return document.getElementById(id) as T;
}

async function begin(track: "scientific" | "literary"): Promise<void> {
  for (const id of ["scientific", "literary"]) element<HTMLButtonElement>(id).disabled = true;
  exam = new Exam(client, await client.exams.create({ track }, { waitS: 0 }), showNotice);
  element<HTMLButtonElement>("cancel").disabled = false;
  exam.follow().catch(showError);
  await go(0);
}

async function go(index: number): Promise<void> {
  if (exam === undefined) return;
  place = index;
  for (const id of ["back", "next"]) element<HTMLButtonElement>(id).disabled = true;
  draw(await exam.reach(index));
  element<HTMLButtonElement>("back").disabled = index === 0;
  element<HTMLButtonElement>("next").disabled = index === exam.total - 1;
}

function draw(question: Question): void {
  element("question").hidden = false;
  element("place").textContent = `السؤال ${question.index + 1} من ${exam?.total}`;
  element("stem").textContent = question.stem;
  show("passage", question.passage);
  showFigure(question.diagram);
  element("choices").replaceChildren(...question.choices.map((text, number) => choice(question.index, text, number)));
  element("notice").textContent = "";
}

function choice(index: number, text: string, number: number): HTMLLIElement {
  const input = Object.assign(document.createElement("input"), { type: "radio", name: "choice" });
  input.checked = chosen.get(index) === number;
  input.addEventListener("change", () => chosen.set(index, number));
  const [label, item] = [document.createElement("label"), document.createElement("li")];
  label.append(input, ` ${text}`);
  item.append(label);
  return item;
}

function show(id: string, text: string | undefined): void {
  element(id).hidden = text === undefined;
  element(id).textContent = text ?? "";
}

/** As an image, never as markup. A figure of an older version has no drawing. */
function showFigure(figure: Figure | FormerFigure | undefined): void {
  element("figure").hidden = figure === undefined || !("svg" in figure);
  if (figure !== undefined && "svg" in figure) Object.assign(element("drawing"), { src: imageOf(figure), alt: figure.caption });
}

function showNotice(notice: Notice): void {
  element("notice").textContent = NOTICES[notice];
  element<HTMLProgressElement>("ready").value = exam?.questions.size ?? 0;
}

function showError(error: unknown): void {
  element("notice").textContent = error instanceof ApiError ? error.message : "تعذّر الاتصال بالخدمة.";
}

for (const track of ["scientific", "literary"] as const) {
  element(track).addEventListener("click", () => void begin(track).catch(showError));
}
element("next").addEventListener("click", () => void go(place + 1).catch(showError));
element("back").addEventListener("click", () => void go(place - 1).catch(showError));
element("cancel").addEventListener("click", () => {
  exam?.stop();
  if (exam !== undefined) void client.exams.cancel(exam.session.id).then(() => location.reload(), showError);
});
if (asked.has("begin")) void begin("scientific").catch(showError); // begins without a click
