// peer-match asks Pipelines-as-Code itself: does this PipelineRun start, what is this text after
// substitution, what does this webhook say. It reads cases as JSON from stdin and writes each with
// the answer to stdout. See ../../recordings.ts.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/gobwas/glob"
	"github.com/openshift-pipelines/pipelines-as-code/pkg/apis/pipelinesascode/v1alpha1"
	"github.com/openshift-pipelines/pipelines-as-code/pkg/customparams"
	"github.com/openshift-pipelines/pipelines-as-code/pkg/events"
	"github.com/openshift-pipelines/pipelines-as-code/pkg/matcher"
	"github.com/openshift-pipelines/pipelines-as-code/pkg/opscomments"
	"github.com/openshift-pipelines/pipelines-as-code/pkg/params"
	"github.com/openshift-pipelines/pipelines-as-code/pkg/params/info"
	"github.com/openshift-pipelines/pipelines-as-code/pkg/params/triggertype"
	"github.com/openshift-pipelines/pipelines-as-code/pkg/provider"
	"github.com/openshift-pipelines/pipelines-as-code/pkg/provider/bitbucketcloud"
	"github.com/openshift-pipelines/pipelines-as-code/pkg/provider/bitbucketdatacenter"
	"github.com/openshift-pipelines/pipelines-as-code/pkg/provider/gitea"
	"github.com/openshift-pipelines/pipelines-as-code/pkg/provider/github"
	"github.com/openshift-pipelines/pipelines-as-code/pkg/provider/gitlab"
	"github.com/openshift-pipelines/pipelines-as-code/pkg/templates"
	testprovider "github.com/openshift-pipelines/pipelines-as-code/pkg/test/provider"
	tektonv1 "github.com/tektoncd/pipeline/pkg/apis/pipeline/v1"
	"go.uber.org/zap"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

type files struct {
	All, Added, Deleted, Modified, Renamed []string
}

type event struct {
	Trigger, EventType, SHA, Base, Head, BaseURL, HeadURL, URL   string
	Org, Repo, Sender, Title, SHATitle, Comment, TargetRun, Body string
	Labels                                                       []string
	Number                                                       int
	Headers                                                      map[string]string
	Files                                                        files
}

type testCase struct {
	Kind        string            `json:"kind"`
	Name        string            `json:"name"`
	Annotations map[string]string `json:"annotations,omitempty"`
	Text        string            `json:"text,omitempty"`
	Values      map[string]string `json:"values,omitempty"`
	Params      []v1alpha1.Params `json:"params,omitempty"`
	Pattern     string            `json:"pattern,omitempty"`
	Provider    string            `json:"provider,omitempty"`
	Event       event             `json:"event"`
}

// answer is one of a verdict, a text, a map of values; or an error.
type answer struct {
	Matched *bool             `json:"matched,omitempty"`
	Text    *string           `json:"text,omitempty"`
	Values  map[string]string `json:"values,omitempty"`
	Event   map[string]any    `json:"event,omitempty"`
	Error   string            `json:"error,omitempty"`
}

func headersOf(from map[string]string) http.Header {
	headers := http.Header{}
	for name, value := range from {
		headers.Set(name, value)
	}
	return headers
}

func (e event) info() *info.Event {
	out := info.NewEvent()
	out.TriggerTarget = triggertype.Trigger(e.Trigger)
	out.EventType = e.EventType
	out.SHA, out.BaseBranch, out.HeadBranch = e.SHA, e.Base, e.Head
	out.BaseURL, out.HeadURL, out.URL = e.BaseURL, e.HeadURL, e.URL
	out.Organization, out.Repository, out.Sender = e.Org, e.Repo, e.Sender
	out.PullRequestTitle, out.SHATitle, out.TriggerComment = e.Title, e.SHATitle, e.Comment
	out.PullRequestLabel, out.PullRequestNumber = e.Labels, e.Number
	out.TargetPipelineRun = e.TargetRun
	out.Request = &info.Request{Header: headersOf(e.Headers), Payload: []byte(e.Body)}
	if e.Body != "" {
		var body any
		if err := json.Unmarshal([]byte(e.Body), &body); err != nil {
			panic(err)
		}
		out.Event = body
	}
	return out
}

func (e event) forge() *testprovider.TestProviderImp {
	return &testprovider.TestProviderImp{
		WantAllChangedFiles: e.Files.All, WantAddedFiles: e.Files.Added, WantDeletedFiles: e.Files.Deleted,
		WantModifiedFiles: e.Files.Modified, WantRenamedFiles: e.Files.Renamed,
	}
}

func ask(c testCase) (result answer) {
	defer func() {
		if r := recover(); r != nil {
			result = answer{Error: fmt.Sprintf("panic: %v", r)}
		}
	}()
	ctx := context.Background()
	log := zap.NewNop().Sugar()
	emitter := events.NewEventEmitter(nil, log)
	repo := &v1alpha1.Repository{ObjectMeta: metav1.ObjectMeta{Name: "repo", Namespace: "builds"}}
	switch c.Kind {
	case "match":
		run := &tektonv1.PipelineRun{ObjectMeta: metav1.ObjectMeta{Name: "run", Annotations: c.Annotations}}
		found, err := matcher.MatchPipelinerunByAnnotation(ctx, log, []*tektonv1.PipelineRun{run}, params.New(),
			c.Event.info(), c.Event.forge(), emitter, repo)
		matched := len(found) > 0
		result.Matched = &matched
		if err != nil && !strings.HasPrefix(err.Error(), "cannot match the event") {
			result.Error = err.Error()
		}
	case "text":
		ev := c.Event.info()
		f := c.Event.Files
		changed := map[string]any{}
		if c.Event.Trigger != "" {
			changed = map[string]any{
				"all": f.All, "added": f.Added, "deleted": f.Deleted, "modified": f.Modified, "renamed": f.Renamed,
			}
		}
		text := templates.ReplacePlaceHoldersVariables(c.Text, c.Values, ev.Event, ev.Request.Header, changed)
		result.Text = &text
	case "params":
		ev := c.Event.info()
		if c.Params != nil {
			repo.Spec.Params = &c.Params
		}
		custom := customparams.NewCustomParams(ev, repo, params.New(), nil, emitter, c.Event.forge())
		values, _, err := custom.GetParams(ctx)
		if err != nil {
			return answer{Error: err.Error()}
		}
		result.Values = values
	case "glob":
		g, err := glob.Compile(c.Pattern)
		if err != nil {
			return answer{Error: err.Error()}
		}
		matched := g.Match(c.Text)
		result.Matched = &matched
	case "comment":
		ev := info.NewEvent()
		opscomments.SetEventTypeAndTargetPR(ev, c.Text)
		result.Event = map[string]any{"eventType": ev.EventType, "target": ev.TargetTestPipelineRun}
		result.Values = opscomments.ParseKeyValueArgs(c.Text)
	case "payload":
		return payload(ctx, c, log)
	default:
		panic("unknown kind " + c.Kind)
	}
	return result
}

func payload(ctx context.Context, c testCase, log *zap.SugaredLogger) answer {
	forges := map[string]provider.Interface{
		"github": github.New(), "gitlab": &gitlab.Provider{}, "gitea": &gitea.Provider{},
		"bitbucket-cloud": &bitbucketcloud.Provider{}, "bitbucket-datacenter": &bitbucketdatacenter.Provider{},
	}
	forge := forges[c.Provider]
	forge.SetLogger(log)
	forge.SetPacInfo(&info.PacOpts{})
	request := &http.Request{Header: headersOf(c.Event.Headers)}
	if _, process, _, reason, err := forge.Detect(request, c.Event.Body, log); err != nil {
		return answer{Error: err.Error()}
	} else if !process {
		return answer{Error: "skipped: " + reason}
	}
	ev, err := forge.ParsePayload(ctx, params.New(), request, c.Event.Body)
	if err != nil {
		return answer{Error: err.Error()}
	}
	title := ev.PullRequestTitle
	if ev.TriggerTarget == triggertype.Push {
		title = ev.SHATitle
	}
	url := ev.URL
	if ev.CloneURL != "" {
		url = ev.CloneURL
	}
	return answer{Event: map[string]any{
		"trigger": ev.TriggerTarget.String(), "eventType": ev.EventType, "revision": ev.SHA,
		"sourceBranch": ev.HeadBranch, "targetBranch": ev.BaseBranch, "repoUrl": url,
		"sourceUrl": ev.HeadURL, "targetUrl": ev.BaseURL, "repoOwner": ev.Organization, "repoName": ev.Repository,
		"sender": ev.Sender, "title": title, "pullRequestNumber": ev.PullRequestNumber,
		"labels": ev.PullRequestLabel, "comment": ev.TriggerComment, "testRun": ev.TargetTestPipelineRun,
	}}
}

func main() {
	var cases []testCase
	if err := json.NewDecoder(os.Stdin).Decode(&cases); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	answers := make([]answer, 0, len(cases))
	for _, c := range cases {
		answers = append(answers, ask(c))
	}
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	if err := out.Encode(answers); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
