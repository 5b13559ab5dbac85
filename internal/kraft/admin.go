package kraft

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	kafkago "github.com/segmentio/kafka-go"
)

// Right is what kafka-acls.sh --add grants a user.
type Right struct {
	Operation kafkago.ACLOperationType
	Resource  kafkago.ResourceType
	Name      string // of the topic or group; kafka-cluster for the cluster
}

// Grant gives rights to a principal, such as User:ada. It returns when the first broker knows of them.
func (c *Cluster) Grant(ctx context.Context, principal string, rights ...Right) error {
	req := &kafkago.CreateACLsRequest{}
	for _, r := range rights {
		req.ACLs = append(req.ACLs, kafkago.ACLEntry{
			ResourceType: r.Resource, ResourceName: r.Name, ResourcePatternType: kafkago.PatternTypeLiteral,
			Principal: principal, Host: "*", Operation: r.Operation, PermissionType: kafkago.ACLPermissionTypeAllow,
		})
	}
	return c.administer(func(admin *kafkago.Client) error {
		res, err := admin.CreateACLs(ctx, req)
		if err == nil {
			err = errors.Join(res.Errors...)
		}
		if err != nil {
			return fmt.Errorf("grant rights to %s: %w", principal, err)
		}
		for _, r := range rights {
			if err := awaitRights(ctx, admin, principal, r.Resource, r.Name, true); err != nil {
				return err
			}
		}
		return nil
	})
}

// Revoke takes all rights on a resource from a principal.
func (c *Cluster) Revoke(ctx context.Context, principal string, resource kafkago.ResourceType, name string) error {
	return c.administer(func(admin *kafkago.Client) error {
		_, err := admin.DeleteACLs(ctx, &kafkago.DeleteACLsRequest{Filters: []kafkago.DeleteACLsFilter{{
			ResourceTypeFilter: resource, ResourceNameFilter: name, ResourcePatternTypeFilter: kafkago.PatternTypeLiteral,
			PrincipalFilter: principal, HostFilter: "*", Operation: kafkago.ACLOperationTypeAny, PermissionType: kafkago.ACLPermissionTypeAny,
		}}})
		if err != nil {
			return fmt.Errorf("revoke the rights of %s: %w", principal, err)
		}
		return awaitRights(ctx, admin, principal, resource, name, false)
	})
}

// awaitRights waits until a broker knows of a principal's rights on a resource, or that there are none.
func awaitRights(ctx context.Context, admin *kafkago.Client, principal string, resource kafkago.ResourceType, name string, some bool) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		res, err := admin.DescribeACLs(ctx, &kafkago.DescribeACLsRequest{Filter: kafkago.ACLFilter{
			ResourceTypeFilter: resource, ResourceNameFilter: name, ResourcePatternTypeFilter: kafkago.PatternTypeLiteral,
			PrincipalFilter: principal, HostFilter: "*", Operation: kafkago.ACLOperationTypeAny, PermissionType: kafkago.ACLPermissionTypeAny,
		}})
		if err == nil {
			err = res.Error
		}
		if err != nil {
			return fmt.Errorf("look at the rights of %s: %w", principal, err)
		}
		if (len(res.Resources) > 0) == some {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the rights of %s on %s did not change in time: %w", principal, name, ctx.Err())
		case <-tick.C:
		}
	}
}

// Forget takes a user's SCRAM-SHA-512 password away: who connects with it from now on is refused.
func (c *Cluster) Forget(ctx context.Context, user string) error {
	return c.administer(func(admin *kafkago.Client) error {
		res, err := admin.AlterUserScramCredentials(ctx, &kafkago.AlterUserScramCredentialsRequest{
			Deletions: []kafkago.UserScramCredentialsDeletion{{Name: user, Mechanism: kafkago.ScramMechanismSha512}},
		})
		if err == nil {
			for _, r := range res.Results {
				err = errors.Join(err, r.Error)
			}
		}
		if err != nil {
			return fmt.Errorf("forget user %s: %w", user, err)
		}
		return nil
	})
}

// administer connects as the brokers do to each other: in plain text, and with all rights.
func (c *Cluster) administer(fn func(*kafkago.Client) error) error {
	transport := &kafkago.Transport{}
	defer transport.CloseIdleConnections()
	addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(c.brokers[0].peers))
	return fn(&kafkago.Client{Addr: kafkago.TCP(addr), Transport: transport})
}
