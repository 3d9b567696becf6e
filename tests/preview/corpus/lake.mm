<map version="1.0.1">
<node ID="a" TEXT="The lake">
<node ID="b" POSITION="right" TEXT="Water"><icon BUILTIN="button_ok"/><node ID="c" TEXT="cold &#228;"/></node>
<node ID="d" POSITION="left"><richcontent TYPE="NODE"><html><head/><body><p>Rich <b>text</b> &amp; more</p></body></html></richcontent>
<richcontent TYPE="NOTE"><html><body><p>A note</p><p>of two lines</p></body></html></richcontent></node>
<node ID="e" TEXT="A link" LINK="https://example.org/"/>
</node>
</map>
