/** What every page needs: htmx and the small behaviours of our screens. */
import "htmx.org";
