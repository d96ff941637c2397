// Command controlplane is one binary with the four programs of a Kubernetes control plane.
//
// The tests start it four times: "controlplane etcd ...", "controlplane kube-apiserver ...",
// "controlplane kube-controller-manager ..." and "controlplane kube-scheduler ...".
package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
)

var kubernetesCommands = map[string]func() *cobra.Command{
	"kube-apiserver":          apiserver.NewAPIServerCommand,
	"kube-controller-manager": controllermanager.NewControllerManagerCommand,
	"kube-scheduler":          func() *cobra.Command { return scheduler.NewSchedulerCommand() },
}

func main() {
	if len(os.Args) < 2 {
		fail("no program named")
	}
	program := os.Args[1]
	// The programs read os.Args themselves and expect their own name first.
	os.Args = os.Args[1:]
	if program == "etcd" {
		etcdmain.Main(os.Args)
		return
	}
	newCommand, known := kubernetesCommands[program]
	if !known {
		fail(fmt.Sprintf("unknown program %q", program))
	}
	os.Exit(cli.Run(newCommand()))
}

func fail(found string) {
	fmt.Fprintf(os.Stderr, "controlplane: %s: want etcd, kube-apiserver, kube-controller-manager or kube-scheduler\n", found)
	os.Exit(2)
}
