/** Which screen is shown: the address says it, so a reload and a second tab show the same. */

import { useEffect, useState } from "react";
import type { Kind } from "./service";
import { SessionScreen } from "./session-screen";
import { StartScreen } from "./start-screen";

interface Place {
  kind: Kind;
  id: string;
}

export function App() {
  const [place, setPlace] = useState(placeOf(location.search));
  useEffect(() => {
    const moved = () => setPlace(placeOf(location.search));
    addEventListener("popstate", moved);
    return () => removeEventListener("popstate", moved);
  }, []);

  const open = (next: Place | undefined) => {
    history.pushState(null, "", next ? `/demo?${next.kind}=${next.id}` : "/demo");
    scrollTo(0, 0);
    setPlace(next);
  };
  if (place === undefined) return <StartScreen onOpen={(kind, id) => open({ kind, id })} />;
  return <SessionScreen key={place.id} {...place} onLeave={() => open(undefined)} />;
}

function placeOf(search: string): Place | undefined {
  const asked = new URLSearchParams(search);
  for (const kind of ["exams", "practice"] as const) {
    const id = asked.get(kind);
    if (id !== null && /^[0-9a-f-]{36}$/i.test(id)) return { kind, id };
  }
  return undefined;
}
