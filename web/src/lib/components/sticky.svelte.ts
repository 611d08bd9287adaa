/**
 * Keeps a scrolled area at its end while its content grows, as long as the reader is there, and leaves it alone as
 * soon as the reader moves away from the end.
 */

import type { Attachment } from "svelte/attachments";

const NEAR_PX = 48;

export class StickyScroll {
  stuck = $state(true);
  #area: HTMLElement | null = null;
  #top = 0;

  area: Attachment<HTMLElement> = (area) => {
    this.#area = area;
    const onScroll = () => this.#scrolled(area);
    area.addEventListener("scroll", onScroll, { passive: true });
    return () => {
      area.removeEventListener("scroll", onScroll);
      this.#area = null;
    };
  };

  content: Attachment<HTMLElement> = (content) => {
    const observer = new ResizeObserver(() => this.stuck && this.toEnd());
    observer.observe(content);
    if (content.parentElement) observer.observe(content.parentElement);
    return () => observer.disconnect();
  };

  toEnd(smoothly = false): void {
    this.stuck = true;
    this.#area?.scrollTo({ top: this.#area.scrollHeight, behavior: smoothly ? "smooth" : "instant" });
  }

  #scrolled(area: HTMLElement): void {
    const left = area.scrollHeight - area.clientHeight - area.scrollTop;
    if (left < NEAR_PX) this.stuck = true;
    else if (area.scrollTop < this.#top) this.stuck = false;
    this.#top = area.scrollTop;
  }
}
