import type { Attachment } from "svelte/attachments";

/** A text field as high as its text, for browsers that do not know `field-sizing`; `text` is read to follow it. */
export function grows(text: () => string): Attachment<HTMLTextAreaElement> {
  if (CSS.supports("field-sizing", "content")) return () => {};
  return (field) => {
    text();
    field.style.height = "auto";
    field.style.height = `${field.scrollHeight}px`;
  };
}
